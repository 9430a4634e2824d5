/**
 * Commits batches to the log in a directory until it is killed, and says on stdout how many entries are acknowledged.
 *
 * @module
 */
import { openDiskLog } from '../../src/authority/open-log.ts';

const log = await openDiskLog(process.argv[2]!, () => null);
while (true) {
  const { seq, size } = log.last();
  const entries = Array.from({ length: 1 + (Number(seq) % 90) }, (_, i) =>
    Buffer.from(`entry ${size + BigInt(i)}`),
  );
  await log.commit({ seq: seq + 1n, entries });
  process.stdout.write(`${log.last().size}\n`);
}
