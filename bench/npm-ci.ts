/**
 * `npm ci` of a project with 503 packages, npm's own cache empty each time: direct, through Pyrsia with its
 * store cold, with its store warm but npm's own cache left empty (bare), and with its store warm as it is by
 * default (filled); and direct with npm's own cache warm, the least that npm can take. Interleaved, in one run.
 * The upstream is the registry that npm itself is configured with.
 *
 *     npm run build && node bench/npm-ci.ts [rounds]
 *
 * Prints medians of the per-round ratios with their spread, CPU seconds of npm and of the agent, how long
 * filling took, and the agent's peak memory. `node bench/npm-ci.ts 7 warm` leaves the cold store out.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Receipt } from '../src/resolve/report.ts';
import { writeNpm503 } from '../test/support/npm-503.ts';

const rounds = Number(process.argv[2] ?? 7);
const run = promisify(execFile);
const pyrsia = join(import.meta.dirname, '..', 'bin', 'run.js');
const base = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
// The user's own Node and npm, not those that npm scripts put first.
const path = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .join(delimiter);

interface Measured {
  readonly seconds: number;
  readonly cpu: number;
}

const environment = (name: string): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: path,
  XDG_CACHE_HOME: join(base, name, 'cache'),
  XDG_STATE_HOME: join(base, name, 'state'),
  XDG_RUNTIME_DIR: join(base, name),
  npm_config_cache: join(base, 'npm-cache'),
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
});

/** Runs a command in the project, from an empty npm cache and without `node_modules`; bash counts its CPU time. */
async function timed(
  project: string,
  env: NodeJS.ProcessEnv,
  command: string,
  { keepCache = false } = {},
): Promise<Measured> {
  await Promise.all(
    ['node_modules'].map((name) => rm(join(project, name), { recursive: true, force: true })),
  );
  if (!keepCache) await rm(join(base, 'npm-cache'), { recursive: true, force: true });
  const script = `TIMEFORMAT='%R %U %S'; time { ${command} >/dev/null 2>${base}/stderr || { cat ${base}/stderr; exit 1; }; }`;
  const { stderr } = await run('bash', ['-c', script], { cwd: project, env });
  const [seconds = 0, user = 0, system = 0] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { seconds, cpu: user + system };
}

async function agent(env: NodeJS.ProcessEnv): Promise<{ pid: number; peakRss: number; cpu: number }> {
  const { stdout } = await run(process.execPath, [pyrsia, 'agent', 'status', '--json'], { env });
  const { pid, peakRss } = JSON.parse(stdout);
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return { pid, peakRss, cpu: (Number(stat[11]) + Number(stat[12])) / 100 };
}

const stop = async (env: NodeJS.ProcessEnv): Promise<unknown> =>
  run(process.execPath, [pyrsia, 'agent', 'stop'], { env });
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const spread = (values: readonly number[], digits = 2): string =>
  `${median(values).toFixed(digits)}  (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

try {
  const project = join(base, 'project');
  await mkdir(project);
  writeNpm503(project);
  const led = `'${process.execPath}' '${pyrsia}' exec -- npm ci --ignore-scripts`;
  const warm = environment('warm');
  await mkdir(join(base, 'warm'), { mode: 0o700 });
  await timed(project, warm, led);

  type Way = 'direct' | 'floor' | 'cold' | 'bare' | 'filled';
  const results: Record<Way, Measured[]> = { direct: [], floor: [], bare: [], filled: [], cold: [] };
  const agentCpu: Partial<Record<Way, number[]>> = { cold: [], bare: [], filled: [] };
  const fills: number[] = [];
  const linked = new Set<string>();
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const cold = environment(`cold-${round}`);
    await mkdir(join(base, `cold-${round}`), { mode: 0o700 });
    results.direct.push(await timed(project, warm, 'npm ci --ignore-scripts'));
    results.floor.push(await timed(project, warm, 'npm ci --ignore-scripts', { keepCache: true }));
    for (const [way, fill] of [
      ['bare', 'off'],
      ['filled', 'link'],
    ] as const) {
      const before = (await agent(warm)).cpu;
      results[way].push(await timed(project, { ...warm, PYRSIA_FILL: fill }, led));
      agentCpu[way]!.push((await agent(warm)).cpu - before);
    }
    const { stdout } = await run(process.execPath, [pyrsia, 'why', 'last', '--json'], { env: warm });
    const { totals, fill } = JSON.parse(stdout) as Receipt;
    fills.push(fill?.ms ?? Number.NaN);
    linked.add(`${totals.linked} linked, ${totals.artifacts - totals.linked} requested`);
    if (process.argv[3] !== 'warm') {
      results.cold.push(await timed(project, cold, led));
      const after = await agent(cold);
      agentCpu.cold!.push(after.cpu);
      peaks.push(after.peakRss);
      await stop(cold);
    }
    await rm(join(base, `cold-${round}`), { recursive: true });
    console.error(
      `round ${round + 1}: ${Object.entries(results)
        .map(([name, all]) => `${name} ${all.at(-1)?.seconds}`)
        .join(', ')}`,
    );
  }
  peaks.push((await agent(warm)).peakRss);
  await stop(warm);

  const { stdout: versions } = await run(
    'bash',
    ['-c', 'echo "npm $(npm --version), Node $(node --version)"'],
    { env: warm },
  );
  console.log(`npm ci, 503 packages, ${rounds} rounds, ${versions.trim()}; median (lowest–highest)`);
  for (const [name, all] of Object.entries(results)) {
    if (all.length === 0) continue;
    const ratios = all.map(({ seconds }, i) => seconds / results.direct[i]!.seconds);
    const cpu = spread(
      all.map((each) => each.cpu),
      1,
    );
    const agents = agentCpu[name as Way];
    const own = agents ? `, agent CPU ${spread(agents, 1)} s` : '';
    console.log(
      `${name.padEnd(7)} ${spread(all.map(({ seconds }) => seconds))} s, × direct ${spread(ratios)}, npm CPU ${cpu} s${own}`,
    );
  }
  console.log(`filled in ${spread(fills, 0)} ms: ${[...linked].join('; ')}`);
  console.log(`agent's peak RSS ${(Math.max(...peaks) / 1e6).toFixed(0)} MB`);
} finally {
  await rm(base, { recursive: true, force: true });
}
