/**
 * What docker costs through us: calls that fetch nothing, a container that is started, a pull over a slow line, a large
 * image that passes through the socket. Interleaved, in one run; the ways of a round come in another order each time.
 *
 *     npm run build && node bench/docker.ts [--rounds 30] [--pulls 3] [--copies 3] [--keep]
 *
 * The daemon and the registry are private ones on this machine and keep everything in memory (/dev/shm). Wants root.
 * With 0 rounds of something it is left out.
 *
 * Prints medians with their quartiles, of what is added or of the ratio in each round, and what is over its bar
 * (`docker/results.ts`). `--keep` puts the measurements into `bench/results/docker.json`, in the place of earlier ones
 * of the same cases.
 *
 * @module
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pathsOf } from '../src/paths.ts';
import { killProcessesOf } from '../test/support/processes.ts';
import {
  type CaseName,
  CASES,
  costOf,
  type DockerRun,
  type Measured,
  rowsOf,
  type Way,
} from './docker/results.ts';
import { openDaemon } from './images/daemon.ts';
import { openUpstream } from './images/upstream.ts';
import { IMAGE, SLOW } from './images/ways.ts';
import { ownHome } from './own-home.ts';
import { openLine } from './npm-ci/line.ts';
import { shuffled, spreadOf } from './npm-ci/statistics.ts';

const KEPT = join(import.meta.dirname, 'results', 'docker.json');
const program = join(import.meta.dirname, '..', 'bin', 'run.js');
const PULLED_BYTES = 103e6;
const LARGE_BYTES = 1e9;
/** What the last call left to be done is done then, and not at the expense of the next one. */
const SETTLE_MS = 100;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    pulls: { type: 'string', default: '3' },
    copies: { type: 'string', default: '3' },
    keep: { type: 'boolean', default: false },
  },
});
const [rounds, pulls, copies] = [values.rounds, values.pulls, values.copies].map(Number) as [
  number,
  number,
  number,
];
if (![rounds, pulls, copies].every((count) => Number.isInteger(count) && count >= 0))
  throw new TypeError(`--rounds ${values.rounds} --pulls ${values.pulls} --copies ${values.copies}`);

const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
process.once('SIGINT', () => void killProcessesOf(base).finally(() => process.exit(130)));
process.once('exit', () => rmSync(base, { recursive: true, force: true }));
const folder = (name: string): string => {
  mkdirSync(join(base, name), { recursive: true });
  return join(base, name);
};

const real = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
const nothing = openSync('/dev/null', 'r+');
const cases: Partial<Record<CaseName, Measured>> = {};
await using daemon = await openDaemon(folder('daemon'));

/** A user of docker's, whose stand-in comes first on the PATH. */
interface User {
  readonly env: Record<string, string>;
  pyrsia(...args: readonly string[]): string;
}

function userIn(name: string): User {
  const own = ownHome(folder(name));
  const PATH = [pathsOf(own).shims, dirname(real), own['PATH']].join(delimiter);
  const env = { ...own, PATH, DOCKER_HOST: daemon.host };
  const pyrsia = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [program, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  pyrsia('shim', 'install', 'docker', '--no-path');
  return { env, pyrsia };
}

/** Milliseconds that a call takes. */
async function time(
  [file, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const begun = performance.now();
  const child = spawn(file, args, { cwd: base, env, stdio: [nothing, nothing, 'pipe'] });
  const said = text(child.stderr!);
  const [status] = (await once(child, 'exit')) as [number | null];
  const took = performance.now() - begun;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${await said}`);
  return took;
}

/** Calls docker in one of the ways. */
async function call(user: User, way: Way, args: readonly string[], socket = ''): Promise<number> {
  if (way === 'shim') return time([join(pathsOf(user.env).shims, 'docker'), ...args], user.env);
  const env = { ...user.env, ...(way === 'socket' && { DOCKER_HOST: socket }) };
  return time(
    way === 'sh' ? ['/bin/bash', '-p', '-c', 'exec "$0" "$@"', real, ...args] : [real, ...args],
    env,
  );
}

/** Measures some cases, interleaved. What is not to be measured but done is done before and after each call. */
async function measure(
  names: readonly CaseName[],
  count: number,
  one: (name: CaseName, way: Way) => Promise<number>,
): Promise<void> {
  const at = new Date().toISOString();
  const took = names.map((name) => ({
    name,
    ways: CASES[name].ways.map((way) => ({ way, all: [] as number[] })),
  }));
  for (let round = 1; round <= count; round++) {
    const calls = took.flatMap(({ name, ways }) => ways.map(({ way, all }) => ({ name, way, all })));
    for (const { name, way, all } of shuffled(calls)) {
      all.push(await one(name, way));
      await sleep(SETTLE_MS);
    }
    console.error(`round ${round} of ${count}: ${names.join(', ')}`);
  }
  if (count === 0) return;
  for (const { name, ways } of took)
    cases[name] = { at, ways: Object.fromEntries(ways.map(({ way, all }) => [way, all])) };
}

/** busybox as an image. */
function importBusybox(): void {
  const root = folder('busybox/bin');
  cpSync(
    realpathSync(execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()),
    join(root, 'busybox'),
  );
  chmodSync(join(root, 'busybox'), 0o755);
  for (const name of ['true', 'sh']) symlinkSync('busybox', join(root, name));
  execFileSync('sh', [
    '-c',
    `tar -C '${dirname(root)}' -c . | docker -H ${daemon.host} import - busybox:latest`,
  ]);
}

/** Has the agent know the stand-in's calls, and whether it leaves an answer that lies ready. */
async function warmUp(user: User, args: readonly string[]): Promise<void> {
  await call(user, 'shim', args);
  for (let tries = 0; !existsSync(join(pathsOf(user.env).runtime, 'quick-docker')); tries++) {
    if (tries > 100) throw new Error('The agent leaves no answer');
    await sleep(100);
  }
}

const RUN = ['run', '--rm', '--network', 'none', 'busybox', 'true'];
const WORDS: Partial<Record<CaseName, readonly string[]>> = {
  'docker version': ['version'],
  'docker ps': ['ps'],
  'docker run --rm busybox true': RUN,
};

const user = userIn('user');
/** A socket of ours that is there until we end. */
let socket = '';
function openSocket(): void {
  socket = hostFor(user);
}

/** The address of a socket that an agent opens, which is started for that. */
function hostFor({ pyrsia }: User): string {
  const answer = pyrsia('env', '--docker', '--pid', String(process.pid), '--shell', 'bash', '--json');
  return (JSON.parse(answer) as { host: string }).host;
}

async function measureCalls(): Promise<void> {
  importBusybox();
  await warmUp(user, RUN);
  openSocket();
  await measure(Object.keys(WORDS) as CaseName[], rounds, (name, way) =>
    call(user, way, WORDS[name]!, socket),
  );
  const cold = userIn('no-agent');
  await measure(['the same, with no agent running'], Math.min(rounds, 10), async (_, way) => {
    if (way === 'shim') cold.pyrsia('agent', 'stop');
    return call(cold, way, RUN);
  });
  cold.pyrsia('agent', 'stop');
}

async function measurePulls(): Promise<void> {
  await using upstream = await openUpstream(join(base, 'upstream'), PULLED_BYTES, 2);
  await using line = await openLine(Number(upstream.host.split(':')[1]), SLOW);
  const image = `127.0.0.1:${line.port}/${IMAGE}`;
  const pull = async (who: User, way: Way): Promise<number> => {
    const took = await call(who, way, ['pull', '-q', image]);
    execFileSync(real, ['-H', daemon.host, 'rmi', image], { stdio: 'ignore' });
    return took;
  };
  const warm = userIn('warm');
  await warmUp(warm, ['pull', '-q', image]);
  execFileSync(real, ['-H', daemon.host, 'rmi', image], { stdio: 'ignore' });
  let nth = 0;
  const names = [
    'docker pull, 103 MB at 100 Mbit/s, cold',
    'docker pull, 103 MB at 100 Mbit/s, warm',
  ] as const;
  await measure(names, pulls, async (name, way) => {
    if (way === 'direct' || name === names[1]) return pull(warm, way);
    const cold = userIn(`cold-${(nth += 1)}`);
    // The agent runs, and has nothing.
    hostFor(cold);
    const took = await pull(cold, way);
    cold.pyrsia('agent', 'stop');
    rmSync(join(base, `cold-${nth}`), { recursive: true, force: true });
    return took;
  });
  warm.pyrsia('agent', 'stop');
}

async function measureCopies(): Promise<void> {
  const file = join(folder('large'), 'random');
  execFileSync('sh', ['-c', `head -c ${LARGE_BYTES} /dev/urandom >'${file}'`]);
  execFileSync('sh', [
    '-c',
    `tar -C '${dirname(file)}' -c . | docker -H ${daemon.host} import - large:latest`,
  ]);
  rmSync(file);
  if (socket === '') openSocket();
  const [saved, out] = [join(base, 'saved'), join(base, 'out')];
  const save = async (way: Way, to: string): Promise<number> =>
    call(user, way, ['save', '-o', to, 'large'], socket);
  await save('direct', saved);
  await measure(['docker save, 1 GB', 'docker load, 1 GB'], copies, async (name, way) => {
    if (name === 'docker save, 1 GB') return save(way, out);
    await call(user, 'direct', ['rmi', 'large']);
    return call(user, way, ['load', '-q', '-i', saved], socket);
  });
}

try {
  if (rounds > 0) await measureCalls();
  if (pulls > 0) await measurePulls();
  if (copies > 0) await measureCopies();
  user.pyrsia('agent', 'stop');
} finally {
  await killProcessesOf(join(base, 'user'));
}

const run: DockerRun = {
  client: execFileSync(real, ['--version'], { encoding: 'utf8' }).trim(),
  daemon: `dockerd ${daemon.version}`,
  machine: `${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  cases,
};
report(run);
if (values.keep) {
  const before = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as DockerRun) : run;
  writeFileSync(KEPT, `${JSON.stringify({ ...run, cases: { ...before.cases, ...cases } }, undefined, 1)}\n`);
}

function report(measured: DockerRun): void {
  console.log(`\n${measured.client}, ${measured.daemon}; ${measured.machine}\n`);
  for (const row of rowsOf(measured)) console.log(row.join('  ·  '));
  for (const [name, found] of Object.entries(measured.cases) as [CaseName, Measured][]) {
    for (const way of CASES[name].ways.slice(1)) {
      const { most } = { most: undefined, ...CASES[name] };
      const { low, median, high } = costOf(name, found, way);
      const [direct, own] = [found.ways.direct!, found.ways[way]!].map((all) =>
        spreadOf(all).median.toFixed(1),
      );
      const judged =
        way === 'sh' || most === undefined ? '' : median > most ? `OVER ${most}` : `ok, bar ${most}`;
      const cost = [median, low, high].map((value) => value.toFixed(2));
      console.log(
        `${name}, ${way}: ${direct} → ${own} ms; ${CASES[name].of} ${cost[0]} (${cost[1]}–${cost[2]}) ${judged}`,
      );
    }
  }
}
