import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDiskLog, type Judge, openDiskLog } from '../../src/authority/open-log.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { entriesOf, memoryLog } from '../log/memory-log.ts';

const all: Judge = () => null;
async function directory(): Promise<string> {
  const made = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  await createDiskLog(made);
  return made;
}
/** A log of 600 entries in three batches. */
async function grown(): Promise<string> {
  const at = await directory();
  const log = await openDiskLog(at, all);
  for (const [i, end] of [200, 400, 600].entries())
    await log.commit({ seq: BigInt(i + 1), entries: entriesOf(end - 200, end) });
  return at;
}

describe('A log on the disk', () => {
  it('is empty at first', async () => {
    expect((await openDiskLog(await directory(), all)).last()).toMatchObject({ seq: 0n, size: 0n });
  });

  it('is made once', async () => {
    const at = await grown();
    await expect(createDiskLog(at)).rejects.toThrow('there is a log already');
    expect((await openDiskLog(at, all)).last().size).toBe(600n);
  });

  it('has the files and the root of one in memory, and goes on after it was closed', async () => {
    const at = await grown();
    const memory = memoryLog();
    for (const end of [200, 400, 600]) memory.add(entriesOf(end - 200, end));
    const head = memory.add(entriesOf(600, 1000));
    const again = await openDiskLog(at, all);
    expect(again.last()).toMatchObject({ seq: 3n, size: 600n });
    await again.commit({ seq: 4n, entries: entriesOf(600, 1000) });
    expect(Buffer.from(again.last().root)).toEqual(Buffer.from(head.root));
    // Partial tiles go when full ones have come in their place.
    const isReplaced = (path: string): boolean => memory.files.has(path.replace(/\.p\/\d+$/, ''));
    for (const [path, bytes] of memory.files) {
      if (path.includes('.p/') && isReplaced(path)) expect(existsSync(join(at, path))).toBe(false);
      else expect(readFileSync(join(at, path))).toEqual(Buffer.from(bytes));
    }
    expect([...memory.files.keys()].filter((path) => path.includes('.p/') && isReplaced(path))).not.toEqual(
      [],
    );
  });

  it('takes the last batch twice, with the same entries only, and none out of order', async () => {
    const log = await openDiskLog(await grown(), all);
    await log.commit({ seq: 3n, entries: entriesOf(400, 600) });
    expect(log.last().size).toBe(600n);
    for (const wrong of [
      { seq: 3n, entries: entriesOf(401, 601) },
      { seq: 2n, entries: entriesOf(200, 400) },
      { seq: 5n, entries: entriesOf(600, 601) },
    ])
      await expect(log.commit(wrong)).rejects.toThrow('does not follow 3');
  });

  it('commits nothing that is refused', async () => {
    const log = await openDiskLog(await grown(), (batch, { size }) =>
      batch.length > 1 ? `too many after ${size}` : null,
    );
    expect(log.verify(entriesOf(0, 2))).toBe('too many after 600');
    await expect(log.commit({ seq: 4n, entries: entriesOf(0, 2) })).rejects.toThrow(
      'Refused batch 4: too many after 600',
    );
    expect(log.last().seq).toBe(3n);
  });

  it('commits in turn what is handed in at once', async () => {
    const log = await openDiskLog(await directory(), all);
    await Promise.all(
      [1, 2, 3].map((seq) => log.commit({ seq: BigInt(seq), entries: entriesOf(seq, seq + 1) })),
    );
    expect(log.last()).toMatchObject({ seq: 3n, size: 3n });
  });

  it.each([
    ['missing', 'tile/0/002.p/88', () => undefined, 'Not found: tile/0/002.p/88'],
    ['cut', 'tile/0/002.p/88', (bytes: Buffer) => bytes.subarray(1), 'tile/0/002.p/88'],
    ['altered', 'tile/0/002.p/88', (bytes: Buffer) => bytes.with(9, bytes[9]! ^ 1), 'at its right edge'],
    [
      'altered',
      'tile/entries/002.p/88',
      (bytes: Buffer) => bytes.with(9, bytes[9]! ^ 1),
      'Refused entry 512',
    ],
    ['missing', 'tile/entries/002.p/88', () => undefined, 'tile/entries/002.p/88'],
    ['missing', 'position', () => undefined, 'Not found: position'],
    ['cut', 'position', (bytes: Buffer) => bytes.subarray(0, 20), 'expected two numbers and a hash'],
    [
      'rolled back to nothing',
      'position',
      () => Buffer.from('0\n600\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n'),
      'right edge',
    ],
  ])('is not opened with a file %s: %s', async (_, path, change, said) => {
    const at = await grown();
    const changed = change(readFileSync(join(at, path)));
    if (changed === undefined) rmSync(join(at, path));
    else writeFileSync(join(at, path), changed);
    await expect(openDiskLog(at, all)).rejects.toThrow(said);
  });

  it('30: loses nothing that was acknowledged, and signs no fork, when its process is killed at any moment', async () => {
    const at = await directory();
    const program = fileURLToPath(new URL('writer.ts', import.meta.url));
    for (let round = 0; round < 10; round++) {
      const child = spawn(process.execPath, [program, at], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      const enough = Promise.withResolvers<void>();
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        // Some lines in, at whatever it is doing then.
        if (said.split('\n').length > 2 + ((round * 7) % 11)) enough.resolve();
      });
      await Promise.race([enough.promise, once(child, 'exit')]);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      const acknowledged = BigInt(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1)!);
      const { size, root } = (await openDiskLog(at, all)).last();
      expect(size).toBeGreaterThanOrEqual(acknowledged);
      const log = provenLog((await openDiskLog(at, all)).source, { size, root });
      const last = await log.entries((size - 1n) / 256n);
      expect(Buffer.from(last.at(-1)!).toString()).toBe(`entry ${size - 1n}`);
    }
    expect(readdirSync(at).toSorted()).toEqual(expect.arrayContaining(['position', 'tile']));
  });
});
