/**
 * Keeping a whole copy of a log.
 *
 * @module
 */
import { decodeNumber } from '../log/text.ts';
import { entriesFrom } from './entries.ts';
import type { LogClient } from './log-client.ts';

/** Where it is written how much has been copied: a hint, which saves looking. */
const COPIED = 'copied';

/** How a copy stands. */
export interface Synced {
  /** How many entries the log has. */
  readonly size: number;
  /** How many of them are new here. */
  readonly added: number;
}

/** Copies what is not here yet. `onProgress` is told how many entries of how many are. */
export async function syncLog(
  client: LogClient,
  onProgress: (done: number, size: number) => void = () => undefined,
): Promise<Synced> {
  const kept = client.sources.length > 0 ? await client.refresh() : client.latest();
  const size = kept?.checkpoint.size ?? 0n;
  const before = await copiedOf(client);
  const from = before < size ? before : size;
  if (kept && from < size) {
    for await (const entries of entriesFrom(client.below(kept), from)) {
      const last = entries.at(-1);
      if (last) onProgress(last.index + 1, Number(size));
      // No more is in memory than is being written.
      await client.files.settled();
    }
    client.files.keep(COPIED, Buffer.from(`${size}\n`));
    await client.files.settled();
  }
  return { size: Number(size), added: Number(size - from) };
}

async function copiedOf({ files }: LogClient): Promise<bigint> {
  const bytes = await files.read(COPIED, 30);
  return (
    decodeNumber(
      Buffer.from(bytes ?? [])
        .toString()
        .trim(),
    ) ?? 0n
  );
}
