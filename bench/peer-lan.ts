/**
 * `npm ci` of 503 packages on a laptop with nothing in any cache: straight from an unthrottled registry, from a neighbour
 * with the registry's cable out, and behind a line of 1 MB/s without and with that neighbour. Interleaved, in one run.
 *
 *     npm run build && node bench/peer-lan.ts [--rounds 5] [--way direct,cut,…]
 *
 * The computers are namespaces of this machine, which both of them, the registry and npm share (`test/e2e/lan-world.ts`), so it
 * needs root. The registry speaks TLS, as registries do: that is part of what npm spends on a direct install.
 *
 * Prints the median, the least and the most of the seconds of all rounds and of the ratios within each, how much upstream
 * sent of what was used, and what is over its bar.
 *
 * @module
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Laptop, openLanWorld } from '../test/e2e/lan-world.ts';
import { startMirror } from '../test/fixtures/mirror.ts';
import { selfSigned } from '../test/fixtures/registry/certificate.ts';
import { openLan } from '../test/support/lan.ts';
import { configuredRegistry, writeNpm503 } from '../test/support/npm-503.ts';
import { columns } from './columns.ts';
import { oneOf } from './one-of.ts';

const WAYS = ['direct', 'cut', 'slow alone', 'slow'] as const;
type Way = (typeof WAYS)[number];

/** What a way took. */
interface Sample {
  readonly seconds: number;
  /** Of the bytes that the laptop used, those that upstream had sent. */
  readonly upstream?: number;
}

/** A megabyte in a second, in megabits. */
const SLOW = 8;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, way: { type: 'string', multiple: true } },
});
const ways = oneOf('way', WAYS, values.way);
let authority = '';
await using world = await openLanWorld(
  openLan(2),
  async (address) => {
    const certificate = selfSigned(address);
    authority = certificate.cert;
    return startMirror(configuredRegistry('/'), address, certificate);
  },
  { 'agent.idle': '30m' },
);
for (const { sandbox } of world.laptops) {
  const cafile = join(sandbox.root, 'ca.pem');
  writeFileSync(cafile, authority);
  sandbox.npmrc({ cafile });
}
const { here } = world.lan;
const [a, b] = world.laptops as [Laptop, Laptop];
await install(a);
await until(async () => (await a.peers()).listening.length > 0);

const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]));
// The first round warms up.
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const way of ways) {
    const sample = await measure(way);
    if (round > 0) samples.get(way)!.push(sample);
    console.error(`${round}: ${way} ${sample.seconds.toFixed(1)} s`);
  }
}

const rows = ways.map((way) => {
  const all = samples.get(way)!;
  const upstream = all.flatMap((sample) => sample.upstream ?? []);
  return [
    way,
    spread(
      all.map(({ seconds }) => seconds),
      1,
      ' s',
    ),
    upstream.length > 0 ? `${spread(upstream, 1, ' %')} from upstream` : '',
  ];
});
console.log(columns(rows).join('\n'));
judge('cut', 'direct', 1);
judge('slow', 'slow alone', 1 / 5);

/** Says how a way stands to another one, round by round. */
function judge(way: Way, other: Way, most: number): void {
  const [own, others] = [samples.get(way), samples.get(other)];
  if (!own || !others) return;
  const ratios = own.map(({ seconds }, round) => seconds / others[round]!.seconds);
  const over = middle(ratios) > most ? ', over it' : '';
  console.log(`${way} / ${other}: ${spread(ratios, 2, ' ×')}, bar ${most} ×${over}`);
}

async function measure(way: Way): Promise<Sample> {
  await afresh(b);
  if (way === 'slow alone') a.host.unplug();
  if (way.startsWith('slow')) here.limit(SLOW);
  if (way === 'cut') here.unplug();
  try {
    if (way === 'direct') return { seconds: await install(b, ['npm', 'ci']) };
    const seconds = await install(b);
    const { totals } = await b.last();
    return { seconds, upstream: ((totals.bytes - totals.saved) / totals.bytes) * 100 };
  } finally {
    here.limit(Infinity);
    here.plug();
    a.host.plug();
    // Neighbours say every ten seconds that they are there.
    if (way === 'slow alone') await sleep(15_000);
  }
}

/** Leaves nothing of what was fetched, and nobody who knows whom to ask. */
async function afresh(laptop: Laptop): Promise<void> {
  await laptop.pyrsia(['agent', 'stop']);
  for (const name of ['XDG_CACHE_HOME', 'XDG_STATE_HOME'])
    rmSync(join(laptop.sandbox.env[name]!, 'pyrsia'), { recursive: true, force: true });
}

/** Installs it through us, or with `npm` alone, and says how many seconds that took. */
async function install(laptop: Laptop, npm?: readonly string[]): Promise<number> {
  const cwd = join(laptop.sandbox.home, 'project');
  rmSync(cwd, { recursive: true, force: true });
  writeNpm503(cwd, world.registry.url);
  const options = { cwd, timeoutMs: 200_000 };
  if (!npm) return (await laptop.afresh(['npm', 'ci', '--ignore-scripts'], options)).ms / 1000;
  laptop.sandbox.freshNpmCache();
  const [program, ...args] = laptop.host.command([npm[0]!, ...npm.slice(1), '--ignore-scripts']);
  const { code, ms, stderr } = await laptop.sandbox.run(program, args, options);
  if (code !== 0) throw new Error(stderr);
  return ms / 1000;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((done) => setTimeout(done, 100));
}

function middle(all: readonly number[]): number {
  return all.toSorted((x, y) => x - y)[all.length >> 1]!;
}

/** The median, and from where to where. */
function spread(all: readonly number[], digits: number, unit: string): string {
  const [least, most] = [Math.min(...all), Math.max(...all)].map((value) => value.toFixed(digits));
  return `${middle(all).toFixed(digits)}${unit} (${least} to ${most})`;
}
