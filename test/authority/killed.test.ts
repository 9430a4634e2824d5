import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDiskLog, openDiskLog } from '../../src/authority/open-log.ts';
import { leafHash } from '../../src/content/merkle.ts';
import { provenCheckpoint } from '../../src/log/policy.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { randomFrom } from '../fuzz/alter.ts';
import { network } from '../simulation/parties.ts';

/** How often it is killed; `KILLS=1000` for more. */
const KILLS = Number(process.env['KILLS'] ?? 100);

/** The longest that it lives after it has acknowledged something, in milliseconds: some batches. */
const LIFE_MS = 60;

const random = randomFrom(7);
let program: string;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sequencer-process-'));
  program = join(folder, 'sequencer-process.mjs');
  // One file starts in a tenth of the time that its modules take.
  await build({
    entryPoints: [fileURLToPath(new URL('sequencer-process.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
});
afterAll(() => rmSync(join(program, '..'), { recursive: true }));

async function directory(): Promise<string> {
  const at = mkdtempSync(join(tmpdir(), 'sequencer-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  for (const name of ['public', 'state']) mkdirSync(join(at, name));
  await createDiskLog(join(at, 'public'));
  return at;
}

/** Lets it run for so long after it has acknowledged its first entry, kills it, and returns what it said. */
async function killed(at: string, ms = random() * LIFE_MS): Promise<string[]> {
  const child = spawn(process.execPath, [program, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = text(child.stdout);
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  expect(child.exitCode, 'it goes on').toBeNull();
  await delay(ms);
  child.kill('SIGKILL');
  return (await said).split('\n').slice(0, -1);
}

/** What is in a directory of partial files that somebody reads. */
function widthsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\d+$/.test(name));
}

/** The leaves of what is final, in hex. */
async function finalLeaves(at: string): Promise<string[]> {
  const checkpoint = provenCheckpoint(readFileSync(join(at, 'public', 'checkpoint'), 'utf8'), network.policy);
  const { source } = await openDiskLog(join(at, 'public'), () => null);
  const log = provenLog(source, checkpoint);
  const leaves: string[] = [];
  for (let i = 0n; i * 256n < checkpoint.size; i++)
    for (const entry of await log.entries(i)) leaves.push(Buffer.from(leafHash(entry)).toString('hex'));
  return leaves;
}

describe('A sequencer on a disk', { timeout: 300_000 }, () => {
  it('30: killed at any moment, it has lost nothing that it acknowledged, and goes on', async () => {
    const at = await directory();
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < KILLS; round++) {
      for (const line of await killed(at)) {
        const [index = '', leaf = ''] = line.split(' ');
        acknowledged.set(Number(index), leaf);
      }
      const leaves = await finalLeaves(at);
      for (const [index, leaf] of acknowledged) expect(leaves[index]).toBe(leaf);
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS);
  });

  it('says that the disk has no room, acknowledges nothing more, and goes on when there is', async () => {
    const at = await directory();
    // No file may be larger than some 100 KiB: that of look-ups is first, then a bundle of entries.
    const child = spawn('sh', ['-c', `ulimit -f 200; exec "$0" "$1" "$2"`, process.execPath, program, at], {
      stdio: 'pipe',
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(stderr).toMatch(/EFBIG|file too large|disk/i);
    const leaves = await finalLeaves(at);
    for (const line of stdout.split('\n').slice(0, -1)) {
      const [index = '', leaf = ''] = line.split(' ');
      expect(leaves[Number(index)]).toBe(leaf);
    }
    await killed(at);
    expect((await finalLeaves(at)).slice(0, leaves.length)).toEqual(leaves);
    expect((await finalLeaves(at)).length).toBeGreaterThan(leaves.length);
  });

  it.each([
    ['cut', (path: string) => truncateSync(path, 31)],
    ['missing', rmSync],
  ])('does not start, nor sign, with a file %s at its edge, and says which', async (_, change) => {
    const at = await directory();
    await killed(at);
    const { size } = (await openDiskLog(join(at, 'public'), () => null)).last();
    const folder = `tile/0/${String(size / 256n).padStart(3, '0')}.p`;
    const files = join(at, 'public', folder);
    expect(widthsIn(files)).toContain(String(size % 256n));
    for (const name of widthsIn(files)) change(join(files, name));
    const child = spawn(process.execPath, [program, at], { stdio: 'pipe' });
    const over = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await over;
    expect([stdout, child.exitCode]).toEqual(['', 1]);
    expect(stderr).toContain(`${folder}/${size % 256n}`);
  });
});
