/**
 * `npm ci` of 503 packages, all of them in our store and in a log.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { selfSigned } from '../../test/fixtures/registry/certificate.ts';
import { configuredRegistry } from '../../test/support/npm-503.ts';
import { CI, placeAt, projectAt, type World } from '../npm-ci/install.ts';
import { openMirror } from '../npm-ci/mirror.ts';
import { toolchain } from '../npm-ci/npms.ts';
import { timed } from '../npm-ci/place.ts';
import { lastReceipt, stopAgent, withStandIns } from '../npm-ci/pyrsia.ts';
import { filesWith, networkAt, serve } from './big-log.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** The ways, each against the first. */
const WAYS = ['no network', 'log', 'cold log'] as const;

/** Measures and prints; `base` is deleted afterwards. */
export async function measureNpm(base: string, rounds: number): Promise<void> {
  const certificate = selfSigned();
  const file = join(base, 'ca.pem');
  writeFileSync(file, certificate.cert);
  await using mirror = await openMirror(configuredRegistry(base), certificate);
  await using open = new AsyncDisposableStack();
  const world: World = {
    base,
    project: 'npm-503',
    tools: await toolchain('own', base),
    registry: mirror.url,
    mirror,
    authority: { pem: certificate.cert, file },
    open,
  };
  const place = await withStandIns(placeAt(world, 'home', mirror.url));
  const dir = projectAt(world, 'home', mirror.url);
  const pyrsia = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [program, ...args], { env: place.env, maxBuffer: 2 ** 28 })).stdout;
  open.defer(async () => stopAgent(place));
  await pyrsia('config', 'set', 'npm.public', mirror.url);
  await timed(place, dir, `npm ${CI}`);
  const { artifacts } = await lastReceipt(place);
  const known = artifacts.map(({ purl, digest = '' }) => ({ purl, sha256: digest.slice('sha256:'.length) }));
  const files = filesWith(known, 1_000_000);
  await using server = await serve(() => files);
  const network = join(base, 'network');
  writeFileSync(network, networkAt(server.url));
  const kept = ['XDG_CACHE_HOME', 'XDG_STATE_HOME'].map((name) => join(place.env[name]!, 'pyrsia', 'log'));

  const measure = async (way: (typeof WAYS)[number]): Promise<{ seconds: number; logged: number }> => {
    await pyrsia('network', 'leave').catch(() => undefined);
    if (way !== 'no network') await pyrsia('network', 'join', network);
    if (way === 'cold log') for (const each of kept) rmSync(each, { recursive: true, force: true });
    const { seconds } = await timed(place, dir, `npm ${CI}`);
    const { totals, log, notes, artifacts: all } = await lastReceipt(place);
    if (process.env['DEBUG']) console.log(JSON.stringify(log), notes, JSON.stringify(all[3]));
    return { seconds, logged: totals.logged };
  };
  const ratios = new Map<string, number[]>(WAYS.map((way) => [way, []]));
  for (let round = -1; round < rounds; round++) {
    const took = new Map<string, number>();
    for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
      // What an agent has in memory is not what is measured.
      await stopAgent(place);
      await pyrsia(
        'pull',
        artifacts[0]!.purl.replace('pkg:', '').replace('/', ':').replace('%40', '@'),
      ).catch(() => undefined);
      const { seconds, logged } = await measure(way);
      took.set(way, seconds);
      const { requests, bytes } = server.counted();
      console.log(
        `npm ci, ${way}: ${seconds.toFixed(2)} s, ${logged} in the log, ${requests} requests and ${(bytes / 1e6).toFixed(2)} MB of the log`,
      );
    }
    // The first fills what is to be warm.
    if (round >= 0) for (const way of WAYS) ratios.get(way)!.push(took.get(way)! / took.get('no network')!);
  }
  for (const [way, all] of ratios) {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number): string => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(3);
    console.log(`npm ci, ${way}: ${at(0.5)} × without a network (${at(0.25)}–${at(0.75)})`);
  }
}
