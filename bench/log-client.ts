/**
 * What a log costs a client: one proof, keeping a copy, looking a lockfile up, and `npm ci` with all of that in its path.
 *
 *     npm run build && node bench/log-client.ts [proof|sync|look-up|npm …] [--rounds 5]
 *
 * `sync` copies 10,000 and then 1,000,000 entries (`--entries N` in place of the latter). `npm` installs the 503 packages from a
 * mirror on this machine, everything in our store and in a log of a million coordinates: without a network, with one, and with one
 * whose index has to be fetched; the agent is started anew each time.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { leafHash } from '../src/content/merkle.ts';
import { checkpointText, parseCheckpoint } from '../src/log/checkpoint.ts';
import { formatProof, parseProof, verifyProof } from '../src/log/proof.ts';
import { httpTiles } from '../src/proxy/http-tiles.ts';
import { openUpstreams } from '../src/proxy/upstream.ts';
import { openLogClient } from '../src/trust/log-client.ts';
import { openLookUps } from '../src/trust/look-ups.ts';
import { readNetwork } from '../src/trust/network-of.ts';
import { syncLog } from '../src/trust/sync.ts';
import { checkpoint, log } from '../test/log/signers.ts';
import { memoryLog } from '../test/log/memory-log.ts';
import { observed } from '../test/trust/grown-log.ts';
import { signer } from '../test/log/signers.ts';
import { filesWith, type Known, networkAt, proofIn, serve, witnesses } from './log-client/big-log.ts';
import { measureNpm } from './log-client/npm.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, entries: { type: 'string', default: '1000000' } },
});
const rounds = Number(values.rounds);
const asked = positionals.length > 0 ? positionals : ['proof', 'sync', 'look-up', 'npm'];
const base = mkdtempSync(join(tmpdir(), 'bench-log-'));
process.once('exit', () => rmSync(base, { recursive: true, force: true }));

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1]!;

/** Verifies one proof, against its signature checks alone, in turns. */
function measureProof(size: bigint): void {
  const entry = Buffer.from('an entry');
  const network = readNetwork(Buffer.from(networkAt('http://log.example/')), 'the network');
  const text = formatProof(proofIn(size, leafHash(entry)));
  const parsed = parseCheckpoint(parseProof(Buffer.from(text)).checkpoint);
  const known = [...network.policy.logs, ...network.policy.witnesses.values()].map(
    ({ verifier }) => verifier,
  );
  const signatures = parsed.note.signatures.map((each) => ({
    by: known.find(({ name, id }) => name === each.name && id === each.id)!,
    ...each,
  }));
  const alone = (): void => {
    for (const { by, signature } of signatures)
      if (!by.check(checkpointText(parsed), signature)) throw new Error();
  };
  const whole = (): void => void verifyProof(parseProof(Buffer.from(text)), leafHash(entry), network.policy);
  const ratios: number[] = [];
  const took: number[] = [];
  for (let round = 0; round < 300; round++) {
    const times = [alone, whole].map((run) => {
      const startedAt = performance.now();
      for (let n = 0; n < 10; n++) run();
      return (performance.now() - startedAt) / 10;
    });
    took.push(times[1]!);
    ratios.push(times[1]! / times[0]!);
  }
  console.log(
    `proof in ${size} entries: ${Buffer.byteLength(text)} bytes, ${median(took).toFixed(3)} ms, ${median(ratios).toFixed(2)} × its ${signatures.length} signature checks`,
  );
}

/** Copies a log that grows in two steps. */
async function measureSync(steps: readonly number[]): Promise<void> {
  const files = memoryLog();
  const observers = Array.from({ length: 5 }, (_, n) => signer(`org${n + 1}.example`, 50 + n));
  // One is signed; the others differ in their names alone, which a copy does not look at.
  const pattern = Buffer.from(
    observed({ purl: 'pkg:npm/package-00000000@1.0.0', bytes: 'x' }, observers),
  ).toString();
  await using server = await serve(() => files.files);
  const network = readNetwork(Buffer.from(networkAt(server.url)), 'the network');
  await using upstreams = openUpstreams({ silenceMs: 30_000 });
  const source = httpTiles(new URL(server.url), upstreams, { strictSsl: true });
  const at = { state: join(base, 'sync-state'), cache: join(base, 'sync'), sources: [source], now: Date.now };
  let size = 0;
  for (const step of steps) {
    const made = Array.from({ length: step }, (_, n) =>
      Buffer.from(pattern.replace('00000000', String(size + n).padStart(8, '0'))),
    );
    const head = files.add(made);
    size += step;
    const time = BigInt(Math.floor(Date.now() / 1000));
    files.files.set('checkpoint', Buffer.from(checkpoint(head, [log, ...witnesses.slice(0, 5)], { time })));
    server.counted();
    const startedAt = performance.now();
    let peak = 0;
    const before = process.memoryUsage().rss;
    await syncLog(
      openLogClient(network, at),
      () => void (peak = Math.max(peak, process.memoryUsage().rss - before)),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const { requests, bytes } = server.counted();
    console.log(
      `sync of ${step} new entries: ${seconds.toFixed(2)} s, ${(bytes / 1e6).toFixed(1)} MB, ${requests} requests, ${(peak / 1e6).toFixed(0)} MB more memory`,
    );
  }
}

/** Looks up the packages of a lockfile in a log of a million coordinates. */
async function measureLookUp(): Promise<void> {
  const lockfile = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', 'test', 'data', 'npm-503', 'package-lock.json'), 'utf8'),
  ) as { packages: Record<string, { version?: string }> };
  const purls = Object.entries(lockfile.packages).flatMap(([path, { version }]) =>
    path.includes('node_modules/') && version !== undefined
      ? `pkg:npm/${path.split('node_modules/').at(-1)!.replace('@', '%40')}@${version}`
      : [],
  );
  const known: Known[] = purls.map((purl) => ({ purl, sha256: 'ab'.repeat(32) }));
  const files = filesWith(known, 1_000_000);
  await using server = await serve(() => files);
  const network = readNetwork(Buffer.from(networkAt(server.url)), 'the network');
  for (let round = 0; round < rounds; round++) {
    await using upstreams = openUpstreams({ silenceMs: 30_000 });
    const source = httpTiles(new URL(server.url), upstreams, { strictSsl: true });
    const home = join(base, `look-up-${round}`);
    const at = { state: join(home, 'state'), cache: join(home, 'cache'), now: Date.now };
    for (const name of ['cold', 'again', 'again by another process']) {
      const client = openLogClient(network, { ...at, sources: [source] });
      const looks = openLookUps(client, Date.now);
      if (name === 'again') continue;
      const startedAt = performance.now();
      await looks.lookUp(purls);
      const seconds = (performance.now() - startedAt) / 1000;
      const found = purls.filter((purl) => looks.finding(purl).kind === 'logged').length;
      const { requests, bytes } = server.counted();
      console.log(
        `look-up of ${purls.length} names, ${name}: ${found} found, ${seconds.toFixed(2)} s, ${(bytes / 1e6).toFixed(2)} MB, ${requests} requests`,
      );
      if (name === 'cold') {
        const againAt = performance.now();
        await looks.lookUp(purls);
        console.log(
          `… again: ${(performance.now() - againAt).toFixed(1)} ms, ${server.counted().bytes} bytes`,
        );
      }
      await looks.settled();
    }
  }
}

for (const what of asked) {
  if (what === 'proof') for (const size of [2n ** 20n, 2n ** 27n]) measureProof(size);
  else if (what === 'sync') await measureSync([10_000, Number(values.entries)]);
  else if (what === 'look-up') await measureLookUp();
  else if (what === 'npm') await measureNpm(base, rounds);
  else throw new Error(`There is no ${what}`);
}
