/**
 * One run: the ways of one project with one npm, interleaved.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Install, World } from './install.ts';
import { treeOf } from './place.ts';
import { projects } from './projects.ts';
import { type Run, type Sample, type Way, WAYS } from './results.ts';
import { shuffled } from './statistics.ts';
import { tryLine } from './try-line.ts';
import { LINES, prepare } from './ways.ts';

/** What the last install left to be written is written then, and not at the expense of the next one. */
const SETTLE_MS = 200;

/** What a run is to be. */
export interface RunSpec {
  readonly world: Omit<World, 'open'>;
  /** Undefined: those that are of use. */
  readonly ways: readonly Way[] | undefined;
  readonly rounds: number;
  readonly machine: string;
}

/** Measures. Throws when a way installs something else than the others. */
export async function measureRun({ world, ways, rounds, machine }: RunSpec): Promise<Run> {
  const { project, tools, mirror } = world;
  const at = new Date().toISOString();
  await using open = new AsyncDisposableStack();
  const left: Partial<Record<Way, string>> = {};
  const ready = new Map<Way, Install>();
  const samples = new Map<Way, Sample[]>();
  const leave = (way: Way, error: unknown): void => {
    left[way] = lineOf(error);
    ready.delete(way);
    samples.delete(way);
    console.error(`${way} cannot be measured: ${left[way]}`);
  };
  let tree: string | undefined;
  for (const way of ways ?? usual(world)) {
    try {
      const prepared = await prepare[way]({ ...world, open });
      // What is to be warm is then; and the others have been through it once, too.
      await prepared.measure();
      ready.set(way, prepared);
      samples.set(way, []);
    } catch (error) {
      leave(way, error);
      continue;
    }
    const found = treeOf(ready.get(way)!.dir);
    tree ??= found;
    if (found !== tree) throw new Error(`${way} installs something else`);
    console.error(`${way} is ready`);
  }

  for (let round = 1; round <= rounds; round++) {
    for (const [way, { measure }] of shuffled([...ready])) {
      await sleep(SETTLE_MS);
      mirror?.count();
      try {
        const sample = await measure();
        samples.get(way)!.push({ ...sample, ...(mirror && { upstream: mirror.count() }) });
      } catch (error) {
        leave(way, error);
      }
    }
    const took = [...samples].map(([way, all]) => `${way} ${all.at(-1)!.seconds}`);
    console.error(`Round ${round} of ${rounds}: ${took.join(', ')}`);
  }

  return {
    project,
    packages: projects[project].packages,
    npm: tools.npm,
    node: tools.node,
    upstream: mirror ? 'mirror' : 'registry',
    rounds,
    at,
    machine,
    lines: await triedLines([...ready.keys()]),
    ways: Object.fromEntries(samples),
    left,
  };
}

/** The slow lines and the others are of interest once: for the project of 503 packages, with the machine's npm. */
function usual({ project, tools, mirror }: RunSpec['world']): Way[] {
  const all = (Object.keys(WAYS) as Way[]).filter((way) => mirror || !/-10+$/.test(way));
  if (Number.parseInt(tools.npm, 10) >= 12) return ['direct', 'floor', 'warm', 'bare', 'cold'];
  return project === 'npm-503' ? all : all.filter((way) => way !== 'exec' && !/-10+$/.test(way));
}

async function triedLines(ways: readonly Way[]): Promise<Run['lines']> {
  const used = Object.entries(LINES).filter(([end]) => ways.some((way) => way.endsWith(end)));
  const tried: Record<string, Run['lines'][string]> = {};
  for (const [, spec] of used) tried[`${spec.bits / 1e6} Mbit/s`] = await tryLine(spec);
  return tried;
}

/** The line that matters of what was said; where the registry is, is nobody's business. */
function lineOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  const line = lines.findLast((each) => /error (?!A complete log)/i.test(each)) ?? lines[0]!;
  return line.replaceAll(/https?:\/\/\S+/g, '…').slice(0, 200);
}
