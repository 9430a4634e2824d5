import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeHash, provesConsistency } from '../../src/content/merkle.ts';
import { parseFork, verifyFork } from '../../src/log/fork.ts';
import type { TileSource } from '../../src/log/read-tiles.ts';
import { type LogClient, openLogClient } from '../../src/trust/log-client.ts';
import { checkpoint, log } from '../log/signers.ts';
import { type GrownLog, grownLog, NOW_MS, SIGNED } from './grown-log.ts';

const root = mkdtempSync(join(tmpdir(), 'log-client-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const DAY_MS = 24 * 60 * 60 * 1000;
const some = (n: number) => [{ purl: `pkg:npm/p${n}@1.0.0`, bytes: `bytes ${n}` }];

function clientOf(
  of: GrownLog,
  {
    sources = [of],
    home = join(root, String(count++)),
    now = NOW_MS,
  }: {
    sources?: readonly TileSource[];
    home?: string;
    now?: number;
  } = {},
): LogClient & { readonly home: string } {
  const at = { state: join(home, 'state'), cache: join(home, 'cache'), sources, now: () => now };
  return { ...openLogClient(of.network, at), home };
}

/** A source with other files in place of some. */
function lies(of: GrownLog, files: Readonly<Record<string, string | Uint8Array | undefined>>): TileSource {
  return {
    name: 'the liar',
    read: async (path, limit) => {
      if (!Object.hasOwn(files, path)) return of.read(path, limit);
      const bytes = files[path];
      return bytes === undefined ? undefined : Buffer.from(bytes);
    },
  };
}

describe('A client of a log', () => {
  it('takes a checkpoint, and a later one that extends it, and remembers it', async () => {
    const of = grownLog();
    of.append(some(1));
    const client = clientOf(of);
    expect((await client.refresh()).checkpoint.size).toBe(2n);
    for (let n = 2; n < 200; n++) of.append(some(n));
    expect((await client.refresh()).checkpoint.size).toBe(of.head().size);
    expect(clientOf(of, { home: client.home, sources: [] }).latest()?.checkpoint.size).toBe(of.head().size);
    expect(readdirSync(join(client.home, 'state', 'checkpoints'))).toHaveLength(1);
  });

  it('14: never goes back to an old checkpoint, however valid', async () => {
    const of = grownLog();
    of.append(some(1));
    const old = Buffer.from(of.files.get('checkpoint')!);
    of.append(some(2));
    const client = clientOf(of);
    await client.refresh();
    const replaying = clientOf(of, { home: client.home, sources: [lies(of, { checkpoint: old })] });
    expect((await replaying.refresh()).checkpoint.size).toBe(4n);
    expect(replaying.latest()?.checkpoint.size).toBe(4n);
    expect(replaying.standing().fork).toBeUndefined();
  });

  it('15: two that take different checkpoints at the same time merge', async () => {
    const of = grownLog();
    of.append(some(1));
    const home = join(root, 'race');
    const [first, second] = [clientOf(of, { home }), clientOf(of, { home })];
    await first.refresh();
    of.append(some(2));
    const middle = Buffer.from(of.files.get('checkpoint')!);
    of.append(some(3));
    const slow = clientOf(of, { home, sources: [lies(of, { checkpoint: middle })] });
    await Promise.all([slow.refresh(), second.refresh()]);
    expect(first.latest()?.checkpoint.size).toBe(6n);
    of.append(some(4));
    expect((await first.refresh()).checkpoint.size).toBe(8n);
    expect(readdirSync(join(home, 'state', 'checkpoints'))).toHaveLength(1);
  });

  it('15, 30: some killed while they write leave a checkpoint that is whole, and no older one', async () => {
    const of = grownLog();
    of.append(some(1));
    const texts: string[] = [];
    for (let n = 2; n < 40; n++) {
      of.append(some(n));
      texts.push(Buffer.from(of.files.get('checkpoint')!).toString());
    }
    const home = join(root, 'killed');
    const client = clientOf(of, { home });
    const script = join(import.meta.dirname, 'add-checkpoints.ts');
    let last = 0n;
    for (let round = 0; round < 4; round++) {
      const child = fork(script, [join(home, 'state', 'checkpoints')], { execArgv: [] });
      child.send({ texts, network: of.networkText });
      await new Promise<void>((resolve) => {
        let lines = 0;
        child.on('message', () => {
          if (++lines > round * 7) child.kill('SIGKILL');
        });
        child.on('exit', () => resolve());
      });
      const size = client.latest()?.checkpoint.size ?? 0n;
      expect(size).toBeGreaterThan(0n);
      expect(size).toBeGreaterThanOrEqual(last);
      last = size;
    }
    expect((await client.refresh()).checkpoint.size).toBe(of.head().size);
  });

  it('16: says how old a frozen view is, and asks the next who may know more', async () => {
    const of = grownLog();
    of.append(some(1));
    const frozen = lies(of, { checkpoint: Buffer.from(of.files.get('checkpoint')!) });
    const later = NOW_MS + 8 * DAY_MS;
    const alone = clientOf(of, { sources: [frozen], now: later });
    await alone.refresh();
    expect(alone.standing()).toMatchObject({ old: true, vouchedAt: SIGNED * 1000 });
    of.append(some(2), { time: later / 1000 });
    const both = clientOf(of, { sources: [frozen, of], now: later });
    expect((await both.refresh()).checkpoint.size).toBe(4n);
    expect(both.standing().old).toBe(false);
  });

  it('17: does not count times from the future, nor those that only f cosigners say', async () => {
    const of = grownLog();
    of.append(some(1), { time: SIGNED + 365 * 24 * 3600 });
    const client = clientOf(of);
    await client.refresh();
    expect(client.standing().vouchedAt).toBeUndefined();
    expect(client.standing().old).toBe(true);
  });

  it('28: refuses a fork that fewer than the quorum have cosigned, and keeps nothing of it', async () => {
    const [of, other] = [grownLog(), grownLog()];
    of.append(some(1));
    const client = clientOf(of);
    await client.refresh();
    other.append(some(9), { cosigners: 1 });
    other.append(some(10), { cosigners: 2 });
    const misled = clientOf(of, { home: client.home, sources: [other] });
    await expect(misled.refresh()).rejects.toMatchObject({ code: 'NOT_PROVEN' });
    expect(misled.latest()?.checkpoint.size).toBe(2n);
    expect(misled.standing().fork).toBeUndefined();
  });

  it.each([
    ['as long', 1],
    ['longer', 70],
  ])(
    '24, 29: freezes when the quorum has cosigned two histories, the second %s, and keeps the proof, which names who did',
    async (_, length) => {
      const [of, other] = [grownLog(), grownLog()];
      of.append(some(1));
      const client = clientOf(of);
      await client.refresh();
      for (let n = 0; n < length; n++) other.append(some(100 + n));
      const misled = clientOf(of, { home: client.home, sources: [other] });
      await expect(misled.refresh()).rejects.toMatchObject({
        code: 'LOG_FORKED',
        details: { signers: ['log.example/1', 'org1.example', 'org2.example', 'org3.example'] },
      });
      const { fork: path } = misled.standing();
      const proven = verifyFork(parseFork(readFileSync(path!)), of.network.policy);
      expect(proven.both).toHaveLength(4);
      expect(misled.latest()?.checkpoint.size).toBe(2n);
      // It stays so, also for the honest one, until somebody has looked.
      await expect(clientOf(of, { home: client.home }).refresh()).rejects.toMatchObject({
        code: 'LOG_FORKED',
      });
    },
  );

  it('29: takes for the proof of a fork no two checkpoints of one log', async () => {
    const of = grownLog();
    of.append(some(1));
    const shorter = Buffer.from(of.files.get('checkpoint')!).toString();
    const head = of.head();
    of.append(some(2));
    const longer = Buffer.from(of.files.get('checkpoint')!).toString();
    const leaves = of.files.get('tile/0/000.p/4')!;
    const proof = [nodeHash(leaves.subarray(64, 96), leaves.subarray(96))];
    expect(provesConsistency(proof, head, of.head())).toBe(true);
    const none = { shorter, longer, root: head.root, proof };
    expect(() => verifyFork(none, of.network.policy)).toThrow(/may be of one log/);
    expect(() => verifyFork({ ...none, proof: [] }, of.network.policy)).toThrow(/may be of one log/);
    const forged = checkpoint({ size: 2n, root: Buffer.alloc(32, 9) }, [log]);
    expect(() => verifyFork({ ...none, shorter: forged }, of.network.policy)).toThrow(
      /fewer than the policy/,
    );
  });

  it('6: takes flipped tiles from nobody and keeps none: the next one is asked', async () => {
    const of = grownLog();
    for (let n = 0; n < 300; n++) of.append(some(n));
    const flipped: Record<string, Uint8Array> = {};
    for (const [path, bytes] of of.files) {
      if (!path.startsWith('tile/')) continue;
      flipped[path] = Buffer.from(bytes);
      flipped[path][0]! ^= 1;
    }
    const client = clientOf(of, { sources: [lies(of, flipped), of] });
    await client.refresh();
    const { entry } = await client.entry(2n);
    expect(Buffer.from(entry).toString()).toContain('pkg:npm/p1@1.0.0');
    await client.files.settled();
    for (const path of ['tile/0/000', 'tile/entries/000'])
      expect(Buffer.from((await client.files.read(path, 2 ** 30))!)).toEqual(
        Buffer.from(of.files.get(path)!),
      );
    const offline = clientOf(of, { home: client.home, sources: [] });
    expect((await offline.entry(2n)).proof).toContain('index 2\n');
  });

  it('60: knows nothing before it was ever online, and says so', () => {
    const client = clientOf(grownLog(), { sources: [] });
    expect(client.latest()).toBeUndefined();
    expect(client.standing()).toEqual({ old: false });
  });
});
