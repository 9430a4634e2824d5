import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TileSource } from '../../src/log/read-tiles.ts';
import { type LogClient, openLogClient } from '../../src/trust/log-client.ts';
import { type LookUps, openLookUps } from '../../src/trust/look-ups.ts';
import { type GrownLog, grownLog, NOW_MS, sha256Of } from './grown-log.ts';

const root = mkdtempSync(join(tmpdir(), 'look-ups-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const purl = (n: number): string => `pkg:npm/p${n}@1.0.0`;
const some = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ purl: purl(from + i), bytes: `bytes ${from + i}` }));

function lookUpsOf(
  of: GrownLog,
  {
    sources = [of],
    home = join(root, String(count++)),
    now = () => NOW_MS,
  }: {
    sources?: readonly TileSource[];
    home?: string;
    now?: () => number;
  } = {},
): LookUps & { readonly home: string } {
  return { ...openLookUps(clientOf(of, { sources, home, now }), now), home };
}

function clientOf(
  of: GrownLog,
  { sources = [of], home, now }: { sources?: readonly TileSource[]; home: string; now: () => number },
): LogClient {
  const at = { state: join(home, 'state'), cache: join(home, 'cache'), sources, now };
  return openLogClient(of.network, at);
}

const logged = (n: number) => ({ kind: 'logged', digest: `sha256:${sha256Of(`bytes ${n}`)}` });

describe('Looking up', () => {
  it('finds what stands in the snapshot and what came since, names nobody, and asks for nothing twice', async () => {
    const of = grownLog();
    of.append(some(0, 1000));
    of.append(some(1000, 1010), { snapshot: true });
    of.append(some(1010, 1020));
    const looks = lookUpsOf(of);
    const asked = [purl(7), purl(500), purl(1005), purl(1015), purl(5000)];
    await looks.lookUp(asked);
    expect(asked.map(looks.finding)).toMatchObject([
      logged(7),
      logged(500),
      logged(1005),
      logged(1015),
      { kind: 'unknown' },
    ]);
    expect(of.asked.filter((path) => !/^(checkpoint|tile\/|index\/(recent|\d+\/\d+$))/.test(path))).toEqual(
      [],
    );
    const before = of.asked.length;
    await looks.lookUp(asked);
    expect(of.asked).toHaveLength(before);

    await looks.settled();
    const offline = lookUpsOf(of, { home: looks.home, sources: [] });
    await offline.lookUp(asked);
    expect(asked.map(offline.finding)).toMatchObject(asked.map(looks.finding));
    expect(of.asked).toHaveLength(before);
  });

  it('asks nothing where another process has asked a moment ago and kept what came', async () => {
    const of = grownLog();
    of.append(some(0, 10));
    const first = lookUpsOf(of, { now: Date.now });
    await first.lookUp([purl(1)]);
    await first.settled();
    of.append(some(10, 20));
    const before = of.asked.length;
    const second = lookUpsOf(of, { home: first.home, now: Date.now });
    await second.lookUp([purl(1)]);
    expect(second.finding(purl(1))).toMatchObject(logged(1));
    expect(of.asked).toHaveLength(before);
    const later = lookUpsOf(of, { home: first.home, now: () => Date.now() + 5 * 60 * 1000 });
    await later.lookUp([purl(11)]);
    expect(later.finding(purl(11))).toMatchObject(logged(11));
  });

  it('takes up at once what another process has learned, also where the log could not be asked just now', async () => {
    const of = grownLog();
    of.append(some(0, 10));
    let isSilent = true;
    const silent: TileSource = {
      name: 'the silent',
      read: async (path, limit) => (isSilent ? undefined : of.read(path, limit)),
    };
    const heard = lookUpsOf(of, { now: Date.now });
    const unheard = lookUpsOf(of, { now: Date.now, sources: [silent] });
    await heard.lookUp([purl(1)]);
    await unheard.lookUp([purl(1)]);
    expect([heard.finding(purl(1)).kind, unheard.finding(purl(1)).kind]).toEqual(['logged', 'unasked']);

    isSilent = false;
    of.append(some(10, 20));
    for (const { home } of [heard, unheard]) await clientOf(of, { home, now: Date.now }).refresh();
    for (const looks of [heard, unheard]) {
      await looks.lookUp([purl(11)]);
      expect(looks.finding(purl(11))).toMatchObject(logged(11));
    }
  });

  it('waits once for a log that does not answer, and then hardly', async () => {
    const of = grownLog();
    of.append(some(0, 10));
    const hanging: TileSource = { name: 'the hanging', read: async () => new Promise(() => {}) };
    const home = join(root, String(count++));
    const client = clientOf(of, { sources: [hanging], home, now: Date.now });
    const looks = openLookUps(client, Date.now, { patienceMs: 1500 });
    const began = performance.now();
    await looks.lookUp([purl(1)]);
    expect(looks.finding(purl(1))).toMatchObject({
      kind: 'unasked',
      reason: 'it has not answered within 1.5 s',
    });
    const waited = performance.now() - began;
    for (let n = 2; n < 5; n++) await looks.lookUp([purl(n)]);
    expect(waited).toBeGreaterThan(1400);
    expect(performance.now() - began - waited).toBeLessThan(1500);
  });

  it('6: takes no altered bucket and no altered list: the next one is asked', async () => {
    const of = grownLog();
    of.append(some(0, 10));
    of.append(some(10, 20), { snapshot: true });
    const liar: TileSource = {
      name: 'the liar',
      async read(path, limit) {
        const bytes = await of.read(path, limit);
        if (!bytes || !path.startsWith('index/')) return bytes;
        const flipped = Buffer.from(bytes);
        flipped[20]! ^= 1;
        return flipped;
      },
    };
    const asked = [purl(3), purl(13)];
    const looks = lookUpsOf(of, { sources: [liar, of] });
    await looks.lookUp(asked);
    expect(asked.map(looks.finding)).toMatchObject([logged(3), logged(13)]);
    const misled = lookUpsOf(of, { sources: [liar] });
    await misled.lookUp(asked);
    expect(asked.map(misled.finding)).toMatchObject([{ kind: 'unasked' }, { kind: 'unasked' }]);
  });

  it('32: of two digests of the same coordinates only the first counts', async () => {
    const of = grownLog();
    of.append(some(1, 2));
    of.append([{ purl: purl(1), bytes: 'others' }]);
    const looks = lookUpsOf(of);
    await looks.lookUp([purl(1)]);
    expect(looks.finding(purl(1))).toMatchObject(logged(1));
  });

  it('tells of a dispute with all digests', async () => {
    const of = grownLog();
    of.dispute(purl(1), ['these', 'those']);
    const looks = lookUpsOf(of);
    await looks.lookUp([purl(1)]);
    expect(looks.finding(purl(1))).toEqual({
      kind: 'disputed',
      entry: 0,
      digests: ['these', 'those'].map((each) => `sha256:${sha256Of(each)}`).toSorted(),
    });
  });

  it('59: answers without the log from what it has, and says of the rest that nobody was asked', async () => {
    const of = grownLog();
    of.append(some(0, 3000));
    of.append([], { snapshot: true });
    const looks = lookUpsOf(of);
    await looks.lookUp([purl(1)]);
    await looks.settled();
    const gone: TileSource = { name: 'gone', read: () => Promise.reject(new TypeError('fetch failed')) };
    const offline = lookUpsOf(of, { home: looks.home, sources: [] });
    const others = some(0, 50).map((each) => each.purl);
    await offline.lookUp([purl(1), ...others]);
    expect(offline.finding(purl(1))).toMatchObject(logged(1));
    const kinds = new Set(others.map((each) => offline.finding(each).kind));
    expect([...kinds].toSorted()).toEqual(['logged', 'unasked']);
    const broken = lookUpsOf(of, { home: looks.home, sources: [gone] });
    await broken.lookUp([purl(1)]);
    expect(broken.standing().problem).toContain('fetch failed');
    expect(broken.finding(purl(1))).toMatchObject(logged(1));
  });

  it('60: says of everything that the log was never read, where it was not', async () => {
    const looks = lookUpsOf(grownLog(), { sources: [] });
    await looks.lookUp([purl(1)]);
    expect(looks.finding(purl(1))).toEqual({ kind: 'unasked', reason: 'it was never read here' });
  });

  it('sees after a while what is new', async () => {
    let now = NOW_MS;
    const of = grownLog();
    of.append(some(0, 10));
    const looks = lookUpsOf(of, { now: () => now });
    await looks.lookUp([purl(10)]);
    of.append(some(10, 11));
    expect(looks.finding(purl(10)).kind).toBe('unknown');
    now += 5 * 60 * 1000;
    await looks.lookUp([purl(10)]);
    expect(looks.finding(purl(10))).toMatchObject(logged(10));
  });
});
