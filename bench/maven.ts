/**
 * Building a project of Spring Boot's in several modules, with an empty local repository, in all the ways to have what
 * it wants: direct, through Pyrsia with its store cold and warm, without a network, and through a caching proxy.
 * Interleaved, in one run; the ways of a round come in another order each time.
 *
 *     npm run build && node bench/maven.ts [--rounds 5] [--way direct,warm,…] [--upstream mirror|repository]
 *       [--away MS] [--recorded FOLDER] [--json FILE] [--keep]
 *
 * The upstream is a copy on this machine of the repository that mvn is configured with (`maven/mirror.ts`), so that all
 * rounds find the same; it is as far away as `--away` says. Or it is that repository itself. What was
 * copied is kept in a folder where one is named. The ways that end in `-bare` ask a copy that has no checksums.
 *
 * Prints medians of the per-round ratios with their quartiles, CPU seconds, the requests that upstream saw, the server's
 * peak memory; and what is over its bar (`maven/judge.ts`). `--keep` puts the measurements into
 * `bench/results/maven.json`, in the place of earlier ones of the same upstream.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { findTool } from '../src/shims/find-tool.ts';
import { mavenHome } from '../src/shims/maven-home.ts';
import { killProcessesOf } from '../test/support/processes.ts';
import type { Build } from './maven/build.ts';
import type { Mirror } from './counted.ts';
import { openMirror } from './maven/mirror.ts';
import { merged, type Run, type Sample, type Way, WAYS } from './maven/results.ts';
import { tableOf } from './maven/table.ts';
import { prepare } from './maven/ways.ts';
import { shuffled } from './npm-ci/statistics.ts';

const KEPT = join(import.meta.dirname, 'results', 'maven.json');
/** What the last build left to be written is written then, and not at the expense of the next one. */
const SETTLE_MS = 200;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    way: { type: 'string', multiple: true },
    upstream: { type: 'string', default: 'mirror' },
    away: { type: 'string', default: '0' },
    recorded: { type: 'string' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const ways = (values.way?.flatMap((each) => each.split(',')) ?? Object.keys(WAYS)) as Way[];
const awayMs = Number(values.away);
if (!Number.isInteger(rounds) || rounds < 1 || !(awayMs >= 0) || !ways.every((way) => way in WAYS))
  throw new TypeError(`--rounds ${values.rounds} --way ${ways.join(',')}`);

const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
process.once('SIGINT', () => void killProcessesOf(base).finally(() => process.exit(130)));
process.once('exit', () => rmSync(base, { recursive: true, force: true }));
await using open = new AsyncDisposableStack();
const mvn = findTool('mvn', process.env['PATH'] ?? '', {});
const central = (mvn && (await mavenHome(mvn, environment()))?.central?.replace(/\/*$/, '/')) ?? '';
if (central === '') throw new Error('There is no mvn here, or it names no central repository');
const directory = values.recorded ?? join(base, 'recorded');
const isOwn = values.upstream === 'mirror';
const mirrors: Mirror[] = isOwn
  ? [
      open.use(await openMirror(central, { directory, awayMs })),
      open.use(await openMirror(central, { directory, awayMs, checksums: false })),
    ]
  : [];
const run = await measured();
console.log(`\n${tableOf(run)}\n`);
if (values.json !== undefined) write(values.json, [run]);
if (values.keep) write(KEPT, merged(existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : [], [run]));

async function measured(): Promise<Run> {
  const at = new Date().toISOString();
  const builds = new Map<Way, Build>();
  const samples = new Map<Way, Sample[]>();
  const left: Partial<Record<Way, string>> = {};
  let artifacts = 0;
  for (const way of ways) {
    try {
      const repository = mirrors[way.endsWith('-bare') ? 1 : 0]?.url;
      if (way.endsWith('-bare') && !isOwn) throw new Error('The repository has checksums');
      const build = await prepare[way]({ directory: join(base, way), repository, central, open });
      await build.measure(); // What is to be warm is then; and the others have been through it once, too.
      if (build.local !== undefined) artifacts ||= globSync('**/*.{pom,jar}', { cwd: build.local }).length;
      builds.set(way, build);
      samples.set(way, []);
      console.error(`${way} is ready`);
    } catch (error) {
      left[way] = (error instanceof Error ? error.message : String(error)).split('\n').at(-1)!.slice(0, 200);
      console.error(`${way} cannot be measured: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [way, build] of shuffled([...builds])) {
      await sleep(SETTLE_MS);
      mirrors.forEach((mirror) => mirror.count());
      const sample = await build.measure();
      const seen = mirrors.reduce((sum, mirror) => sum + mirror.count(), 0);
      samples.get(way)!.push({ ...sample, ...(isOwn && { upstream: seen }) });
    }
    const took = [...samples].map(([way, all]) => `${way} ${all.at(-1)!.seconds.toFixed(1)}`);
    console.error(`Round ${round} of ${rounds}: ${took.join(', ')}`);
  }
  const machine = `${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const { stdout } = await promisify(execFile)('mvn', ['-B', '-v'], { env: environment() });
  const [, maven = '?'] = /Apache Maven (\S+)/.exec(stdout) ?? [];
  const [, java = '?'] = /Java version: ([^,\s]+)/.exec(stdout) ?? [];
  return {
    artifacts,
    maven,
    java,
    upstream: isOwn ? 'mirror' : 'repository',
    ...(awayMs > 0 && { awayMs }),
    rounds,
    at,
    machine,
    ways: Object.fromEntries(samples),
    left,
  };
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function write(file: string, runs: readonly Run[]): void {
  writeFileSync(file, `${JSON.stringify(runs, undefined, 1)}\n`);
}
