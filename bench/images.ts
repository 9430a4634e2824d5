/**
 * Pulling an image, in all the ways to have it: from the registry itself, through Pyrsia with its store cold and
 * warm, and through docker-registry as a pull-through mirror, cold and warm. Interleaved, in one run; the ways of a
 * round come in another order each time.
 *
 *     npm run build && node bench/images.ts [--rounds 9] [--mb 103,1000] [--client skopeo,podman,dockerd]
 *       [--way direct,warm,…] [--json FILE] [--keep]
 *
 * The upstream is a docker-registry on this machine, the image two layers of random bytes. The slow line
 * (`npm-ci/line.ts`) is measured where it is asked for (`--way direct-100,cold-100,mirror-cold-100`). Everything lies
 * in memory (/dev/shm), so that no disk is measured. Wants root for podman and dockerd.
 *
 * Prints medians of the per-round ratios with their quartiles, the server's CPU seconds and peak memory, and what
 * is over its bar (`images/judge.ts`). `--keep` puts the measurements into `bench/results/images.json`, in the place
 * of earlier ones of the same client and image.
 *
 * @module
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { killProcessesOf } from '../test/support/processes.ts';
import { type Client, open } from './images/clients.ts';
import type { DockerRegistry } from './images/docker-registry.ts';
import { CLIENTS, type ClientName, merged, type Run, type Sample, type Way, WAYS } from './images/results.ts';
import { tableOf } from './images/table.ts';
import { openUpstream } from './images/upstream.ts';
import { openWay, type Server } from './images/ways.ts';
import { shuffled } from './npm-ci/statistics.ts';
import { oneOf } from './one-of.ts';

const KEPT = join(import.meta.dirname, 'results', 'images.json');
const LAYERS = 2;
/** What the last pull left to be written is written then, and not at the expense of the next one. */
const SETTLE_MS = 200;

const list = { type: 'string', multiple: true } as const;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    mb: list,
    client: list,
    way: list,
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const sizes = (values.mb ?? ['103,1000']).flatMap((each) => each.split(',')).map(Number);
const clients = oneOf('client', CLIENTS, values.client);
const fast = (Object.keys(WAYS) as Way[]).filter((way) => !way.endsWith('-100'));
const ways = oneOf('way', Object.keys(WAYS) as Way[], values.way ?? fast);
if (!Number.isInteger(rounds) || rounds < 1 || !sizes.every((size) => size > 0))
  throw new TypeError(`--rounds ${values.rounds} --mb ${sizes.join(',')}`);

const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
process.once('SIGINT', () => void killProcessesOf(base).finally(() => process.exit(130)));
process.once('exit', () => rmSync(base, { recursive: true, force: true }));
const machine = `${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
const runs: Run[] = [];
for (const mb of sizes) {
  const directory = join(base, String(mb));
  await using upstream = await openUpstream(directory, mb * 1e6, LAYERS);
  for (const name of clients) {
    const place = join(directory, name);
    mkdirSync(place);
    await using client = await open[name](place);
    const run = await measured(name, client, upstream, mb * 1e6, join(directory, 'ways'));
    runs.push(run);
    console.log(`\n${tableOf(run)}\n`);
    if (values.json !== undefined) write(values.json, runs);
    if (values.keep)
      write(KEPT, merged(existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : [], runs));
  }
}

async function measured(
  name: ClientName,
  client: Client,
  upstream: DockerRegistry,
  bytes: number,
  directory: string,
): Promise<Run> {
  const at = new Date().toISOString();
  await using standing = new AsyncDisposableStack();
  const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]));
  const warm = new Map<Way, Server>();
  for (const way of ways.filter((each) => each.endsWith('warm'))) {
    const server = standing.use(await openWay(way, upstream, join(directory, way)));
    await client.pull(server.reference);
    await client.clean(server.reference);
    warm.set(way, server);
  }

  async function pull(server: Server): Promise<Sample> {
    await sleep(SETTLE_MS);
    const asked = upstream.blobs();
    const before = await server.spent?.();
    const seconds = await client.pull(server.reference);
    const after = await server.spent?.();
    await client.clean(server.reference);
    return {
      seconds,
      blobs: upstream.blobs() - asked,
      ...(before && after && { server: { cpu: after.cpu - before.cpu, peakRss: after.peakRss } }),
    };
  }

  for (let round = 1; round <= rounds; round++) {
    for (const way of shuffled(ways)) {
      const standingServer = warm.get(way);
      if (standingServer) samples.get(way)!.push(await pull(standingServer));
      else {
        await using server = await openWay(way, upstream, join(directory, way));
        samples.get(way)!.push(await pull(server));
      }
    }
    const took = [...samples].map(([way, all]) => `${way} ${all.at(-1)!.seconds.toFixed(2)}`);
    console.error(`${name}, round ${round} of ${rounds}: ${took.join(', ')}`);
  }
  const { version } = client;
  return {
    client: name,
    version,
    bytes,
    layers: LAYERS,
    rounds,
    at,
    machine,
    ways: Object.fromEntries(samples),
  };
}

function write(file: string, measuredRuns: readonly Run[]): void {
  writeFileSync(file, `${JSON.stringify(measuredRuns, undefined, 1)}\n`);
}
