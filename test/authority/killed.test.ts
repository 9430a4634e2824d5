import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDiskLog, openDiskLog } from '../../src/authority/open-log.ts';
import { leafHash } from '../../src/content/merkle.ts';
import { provenCheckpoint } from '../../src/log/policy.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { network } from '../simulation/parties.ts';

/** How often it is killed; `KILLS=100` for more. */
const KILLS = Number(process.env['KILLS'] ?? 8);

const program = fileURLToPath(new URL('sequencer-process.ts', import.meta.url));

async function directory(): Promise<string> {
  const at = mkdtempSync(join(tmpdir(), 'sequencer-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  for (const name of ['public', 'state']) mkdirSync(join(at, name));
  await createDiskLog(join(at, 'public'));
  return at;
}

/** Lets it run until it has acknowledged so many entries, kills it, and returns what it said. */
async function killed(at: string, after: number): Promise<string[]> {
  const child = spawn(process.execPath, [program, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const enough = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.split('\n').length > after) enough.resolve();
  });
  await Promise.race([enough.promise, once(child, 'exit')]);
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return said.split('\n').slice(0, -1);
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
      for (const line of await killed(at, 1 + ((round * 13) % 29))) {
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
    await killed(at, 5);
    expect((await finalLeaves(at)).slice(0, leaves.length)).toEqual(leaves);
    expect((await finalLeaves(at)).length).toBeGreaterThan(leaves.length);
  });

  it('does not start with a file cut at its edge, and says which', async () => {
    const at = await directory();
    await killed(at, 3);
    const edge = readdirSync(join(at, 'public/tile/0/000.p')).toSorted((a, b) => Number(b) - Number(a))[0]!;
    const files = join(at, 'public/tile/0/000.p');
    for (const name of readdirSync(files)) truncateSync(join(files, name), 31);
    const child = spawn(process.execPath, [program, at], { stdio: 'pipe' });
    const over = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await over;
    expect([stdout, child.exitCode]).toEqual(['', 1]);
    expect(stderr).toMatch(/tile\/0\/000\.p\/\d+/);
    expect(Number(edge)).toBeGreaterThan(0);
  });
});
