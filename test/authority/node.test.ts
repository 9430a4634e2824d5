import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leafHash, rootOf } from '../../src/content/merkle.ts';
import { parseEntry } from '../../src/log/entry.ts';
import { parseBucket, recordsOf } from '../../src/log/buckets.ts';
import { agreed, parseNetwork } from '../../src/log/network.ts';
import { observersOf } from '../../src/log/observation.ts';
import { provenCheckpoint, type ProvenCheckpoint } from '../../src/log/policy.ts';
import { provenLog, type TileSource } from '../../src/log/read-tiles.ts';
import {
  type Member,
  openNetwork,
  openUpstream,
  submit,
  type TestNetwork,
  type Upstream,
} from './network.ts';

let upstream: Upstream;
let network: TestNetwork;

beforeAll(async () => {
  upstream = await openUpstream();
  network = await openNetwork(4, upstream);
}, 60_000);
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** A log, as anybody reads it. */
function httpSource({ url }: Member): TileSource {
  return {
    name: url,
    async read(path) {
      const reply = await fetch(new URL(path, url));
      return reply.status === 200 ? Buffer.from(await reply.arrayBuffer()) : undefined;
    },
  };
}

async function checkpointOf(member: Member): Promise<ProvenCheckpoint> {
  const text = Buffer.from((await httpSource(member).read('checkpoint', 0)) ?? []).toString();
  return provenCheckpoint(text, parseNetwork(Buffer.from(network.policy)).policy);
}

async function entryAt(member: Member, index: number) {
  const log = provenLog(httpSource(member), await checkpointOf(member));
  return parseEntry((await log.entries(BigInt(Math.floor(index / 256))))[index % 256]!);
}

const bytes = (length: number, seed: string): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
      createHash('sha256').update(`${seed}${i}`).digest(),
    ),
  ).subarray(0, length);

const manifest = (text: string) => ({
  type: 'application/vnd.oci.image.index.v1+json',
  body: JSON.stringify({ schemaVersion: 2, manifests: [], annotations: { text } }),
});

describe('A network of four authorities', { timeout: 30_000 }, () => {
  it('writes down what as many of them have seen as the network asks for, each at its own upstream', async () => {
    const tarball = bytes(2_500_000, 'x');
    upstream.has.set('/npm/x/-/x-1.0.0.tgz', () => ({ body: tarball }));
    upstream.asked.length = 0;
    const { status, value } = await submit(network.members[0]!, 'pkg:npm/x@1.0.0');
    const sha256 = createHash('sha256').update(tarball).digest('hex');
    expect(status).toBe(200);
    expect(value).toMatchObject({ kind: 'observe', purl: 'pkg:npm/x@1.0.0', sha256 });
    // Three of four: each asked once, and nobody for anybody else.
    expect(upstream.asked).toHaveLength(3);
    expect(new Set(upstream.asked).size).toBe(3);
    expect(upstream.asked.every((asked) => asked.endsWith(' /npm/x/-/x-1.0.0.tgz'))).toBe(true);

    const entry = await entryAt(network.members[0]!, Number(value['entry']));
    if (entry.kind !== 'observe') throw new Error(entry.kind);
    const { observation } = entry;
    expect(observation).toMatchObject({
      upstream: 'npm',
      file: 'x-1.0.0.tgz',
      size: 2_500_000,
      digest: { sha256, sha512: createHash('sha512').update(tarball).digest('hex') },
    });
    const chunks = [0, 1, 2].map((i) => tarball.subarray(i * 2 ** 20, (i + 1) * 2 ** 20));
    expect(observation.chunks).toEqual({
      size: 2 ** 20,
      root: Buffer.from(rootOf(chunks.map(leafHash))).toString('hex'),
    });
    const read = parseNetwork(Buffer.from(network.policy));
    const signed = observersOf(
      observation,
      observation,
      read.observers.map(({ verifier }) => verifier),
    );
    expect(signed).toHaveLength(3);
    expect(agreed(read, signed)).toBe(true);
  });

  it('answers of what is written down already without looking at it again, each of its members', async () => {
    upstream.asked.length = 0;
    const [first, ...others] = network.members;
    const before = await submit(first!, 'pkg:npm/x@1.0.0');
    for (const member of others)
      await expect.poll(async () => (await submit(member, 'pkg:npm/x@1.0.0')).value).toEqual(before.value);
    expect(upstream.asked.filter((asked) => asked.includes('/x-1.0.0'))).toEqual([]);
  });

  it('takes a submission at any of its members', async () => {
    upstream.has.set('/npm/@scope/y/-/y-2.0.0.tgz', () => ({ body: 'y' }));
    const { status, value } = await submit(network.members[3]!, 'pkg:npm/%40scope/y@2.0.0');
    expect(status).toBe(200);
    expect(await entryAt(network.members[0]!, Number(value['entry']))).toMatchObject({ kind: 'observe' });
  });

  it('has one final checkpoint, which every member publishes with the same entries and the index', async () => {
    const read = parseNetwork(Buffer.from(network.policy));
    const { size, cosignatures } = await checkpointOf(network.members[0]!);
    expect(cosignatures.length).toBeGreaterThanOrEqual(3);
    for (const member of network.members) {
      await expect.poll(async () => (await checkpointOf(member)).size).toBe(size);
      const last = await entryAt(member, Number(size) - 1);
      if (last.kind !== 'block') throw new Error(last.kind);
      const recent = await httpSource(member).read('index/recent', 0);
      const root = Buffer.from(last.block.index!.recent!, 'hex');
      const records = parseBucket(recent!, root, 0, 0);
      expect(recordsOf('pkg:npm/x@1.0.0', records)).toMatchObject([{ kind: 1, rung: 4 }]);
      expect(last.block).toMatchObject({ origin: 'a1.example/log', epoch: 0 });
    }
    expect(read.observers).toHaveLength(4);
  });

  it('finds entries by coordinates, digest, registry and observer', async () => {
    const [first] = network.members;
    const find = async (query: string) => {
      const reply = await fetch(`${first!.url}find?${query}`);
      return { status: reply.status, ...((await reply.json().catch(() => ({}))) as { entries?: number[] }) };
    };
    const { value } = await submit(first!, 'pkg:npm/x@1.0.0');
    const x = Number(value['entry']);
    expect(await find('purl=pkg:npm/x@1.0.0')).toEqual({ status: 200, entries: [x] });
    expect(await find(`digest=sha256:${String(value['sha256'])}`)).toEqual({ status: 200, entries: [x] });
    const { entries: all = [] } = await find('source=npm');
    expect(all).toContain(x);
    expect(all.length).toBeGreaterThan(1);
    expect(await find(`source=npm&from=${x + 1}`)).toEqual({
      status: 200,
      entries: all.filter((entry) => entry > x),
    });
    expect((await find('builder=a1.example')).entries).toContain(x);
    expect(await find('builder=nobody.example')).toEqual({ status: 200, entries: [] });
    for (const wrong of ['', 'name=x', 'purl=a&source=b', 'purl=a&from=-1'])
      expect((await find(wrong)).status).toBe(400);
  });

  it('asks upstream once about a name that there is not, and nobody else', async () => {
    upstream.asked.length = 0;
    const { status, text } = await submit(network.members[1]!, 'pkg:npm/nothing@1.0.0');
    expect(status).toBe(404);
    expect(text).toContain('Not found: pkg:npm/nothing@1.0.0');
    expect(upstream.asked).toEqual(['a2.example /npm/nothing/-/nothing-1.0.0.tgz']);
  });

  it('48: writes down that one of them saw other bytes, with both digests', async () => {
    upstream.has.set('/npm/victim/-/victim-1.0.0.tgz', (by) => ({
      body: by === 'a1.example' ? 'other' : 'same',
    }));
    const { value } = await submit(network.members[0]!, 'pkg:npm/victim@1.0.0');
    const [same, other] = ['same', 'other'].map((text) => createHash('sha256').update(text).digest('hex'));
    expect(value).toMatchObject({ kind: 'observe', sha256: same });
    const entry = await entryAt(network.members[0]!, Number(value['dispute']));
    if (entry.kind !== 'dispute') throw new Error(entry.kind);
    expect(entry.dispute.seen.map(({ digest, observers }) => [digest['sha256'], observers.length])).toEqual([
      [same, 3],
      [other, 1],
    ]);
  });

  it('writes a dispute alone where too few saw the same', async () => {
    upstream.has.set('/npm/split/-/split-1.0.0.tgz', (by) => ({ body: /a[12]/.test(by) ? 'one' : 'two' }));
    const { value } = await submit(network.members[0]!, 'pkg:npm/split@1.0.0');
    expect(value).toMatchObject({ kind: 'dispute' });
    expect(String(value['sha256']).split(' ')).toHaveLength(2);
  });

  it('53: observes a tag as what it meant at a time, and again once it means something else', async () => {
    upstream.has.set('/docker/v2/library/nginx/manifests/1', () => manifest('a'));
    const purl = 'pkg:docker/library/nginx@1';
    const first = await submit(network.members[0]!, purl);
    expect(first.value).toMatchObject({ kind: 'observe' });
    const entry = await entryAt(network.members[0]!, Number(first.value['entry']));
    expect(entry).toMatchObject({
      observation: { mediaType: 'application/vnd.oci.image.index.v1+json', file: '1' },
    });
    // The same a little later is no news; other bytes are.
    network.later(120_000);
    expect((await submit(network.members[0]!, purl)).value).toEqual(first.value);
    upstream.has.set('/docker/v2/library/nginx/manifests/1', () => manifest('b'));
    network.later(120_000);
    const second = await submit(network.members[0]!, purl);
    expect(second.value['sha256']).not.toBe(first.value['sha256']);
    expect(Number(second.value['entry'])).toBeGreaterThan(Number(first.value['entry']));
    const digest = createHash('sha256').update(manifest('a').body).digest('hex');
    upstream.has.set(`/docker/v2/library/nginx/manifests/sha256:${digest}`, () => manifest('a'));
    const pinned = await submit(network.members[0]!, `pkg:docker/library/nginx@sha256%3A${digest}`);
    expect(pinned.value).toMatchObject({ kind: 'observe', sha256: digest });
  });

  it('observes artifacts of Maven', async () => {
    upstream.has.set('/maven/org/slf4j/slf4j-api/2.0.17/slf4j-api-2.0.17.jar', () => ({ body: 'PK jar' }));
    const { value } = await submit(network.members[0]!, 'pkg:maven/org.slf4j/slf4j-api@2.0.17');
    expect(value).toMatchObject({ kind: 'observe', purl: 'pkg:maven/org.slf4j/slf4j-api@2.0.17' });
  });

  it('54: looks at nothing that is elsewhere than at a public registry', async () => {
    upstream.asked.length = 0;
    for (const purl of [
      'pkg:docker/org/app@1?repository_url=images.example',
      'pkg:maven/org.example/app@1?repository_url=repo.example',
    ]) {
      const { status } = await submit(network.members[0]!, purl);
      expect([403, 422]).toContain(status);
    }
    expect(upstream.asked).toEqual([]);
  });

  it('26: goes on without one of its members, says who is wanting without two, and catches up', async () => {
    const [first, , third, fourth] = network.members;
    for (const name of ['p', 'q', 'r'])
      upstream.has.set(`/npm/${name}/-/${name}-1.0.0.tgz`, () => ({ body: name }));
    await fourth!.stop();
    expect((await submit(first!, 'pkg:npm/p@1.0.0')).value).toMatchObject({ kind: 'observe' });
    await third!.stop();
    const failed = await submit(first!, 'pkg:npm/q@1.0.0');
    expect(failed.status).toBe(422);
    expect(failed.text).toContain('too few authorities could look at it');
    expect(failed.text).toContain('a3.example: ');
    const status: unknown = await (await fetch(`${first!.url}status`)).json();
    expect(status).toMatchObject({ wanting: { 'a4.example': expect.any(String) } });
    await third!.start();
    await fourth!.start();
    // Whoever did not answer is left alone for a few seconds.
    await expect
      .poll(async () => (await submit(first!, 'pkg:npm/r@1.0.0')).status, { timeout: 20_000, interval: 500 })
      .toBe(200);
    const { size } = await checkpointOf(first!);
    await expect.poll(async () => (await checkpointOf(fourth!)).size, { timeout: 20_000 }).toBe(size);
  });

  it('looks at so many artifacts for one submitter, known or not, and says when there may be more', async () => {
    const [, , , fourth] = network.members;
    upstream.has.set('/npm/late/-/late-1.0.0.tgz', () => ({ body: 'late' }));
    await fourth!.stop();
    await fourth!.start(3);
    upstream.asked.length = 0;
    for (const name of ['none-1', 'none-2', 'none-3'])
      expect((await submit(fourth!, `pkg:npm/${name}@1.0.0`)).status).toBe(404);
    const refused = await submit(fourth!, 'pkg:npm/late@1.0.0');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1200']);
    // Each of them cost one request, at this authority alone; what was refused cost none.
    expect(upstream.asked).toEqual([1, 2, 3].map((n) => `a4.example /npm/none-${n}/-/none-${n}-1.0.0.tgz`));
    // What is written down already may be asked for.
    expect((await submit(fourth!, 'pkg:npm/x@1.0.0')).status).toBe(200);
    await fourth!.stop();
    await fourth!.start();
  });

  it('serves nothing but the log', async () => {
    const [first] = network.members;
    for (const path of [
      'position',
      'keys',
      '../keys',
      '%2e%2e/keys',
      'tile/0/../../position',
      'index/recent/x',
      `index/${'1'.repeat(300)}/000`,
      `tile/0/${'x000/'.repeat(1000)}000`,
    ])
      expect((await fetch(`${first!.url}${path}`)).status).toBe(404);
    expect((await fetch(`${first!.url}tile/0/000`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${first!.url}nothing`, { method: 'POST', body: 'x' })).status).toBe(404);
  });
});
