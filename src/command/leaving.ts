/**
 * Taking pyrsia off a machine: what there is of it, and how it goes.
 *
 * @module
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type End, endAgent, type LivingAgent, livingAgents } from '../control/ending.ts';
import type { Lock } from '../control/lock.ts';
import { type Left, removeEmptied } from '../ours.ts';
import { homeOf, runtimeDirectories } from '../paths.ts';
import { openHome } from '../shims/ask-shells.ts';
import { readDockerLed, releaseDocker } from '../shims/docker-led.ts';
import { allPathFiles, type Edited, leavePath, statesOf } from '../shims/on-path.ts';
import { keepResident } from '../shims/resident.ts';
import { removeUnit, unitFile } from '../shims/resident-unit.ts';
import { removeShim, removeShimDirectory, shimFile, type ShimPlace, shimsIn } from '../shims/shim-files.ts';
import { SHELLS } from '../shims/shells.ts';
import { holdOff, type Kept, keptDirectories, purge } from './purge.ts';

/** How often it is tried to be alone: somebody may be starting an agent at the same time. */
const ATTEMPTS = 3;

/** What there is of ours. */
export interface Presence {
  /** Tools that have a shim. */
  readonly shims: readonly string[];
  /** Files that put the directory of shims on the PATH, and the one by which docker's daemon is led to us. */
  readonly files: readonly string[];
  readonly agents: readonly LivingAgent[];
  /** Directories that we keep something in. */
  readonly directories: readonly Kept[];
}

/** What became of it. */
export interface Departure {
  /** Shims that were removed. */
  readonly shims: readonly string[];
  /** Files out of which lines were taken, and those where that cannot be done. */
  readonly files: readonly Edited[];
  readonly agents: readonly (LivingAgent & { readonly end: End })[];
  /** Directories that were removed. */
  readonly directories: readonly string[];
  /** What is still there, and why. */
  readonly left: readonly Left[];
}

/** Looks for what is ours, and changes nothing. */
export async function lookAround(place: ShimPlace): Promise<Presence> {
  const { paths, env } = place;
  const states = statesOf(allPathFiles(openHome(env, SHELLS)), paths.shims);
  return {
    shims: shimsIn(place).tools,
    files: [
      ...states.filter(({ state }) => state !== 'absent').map(({ path }) => path),
      ...[readDockerLed(paths.state)?.file ?? []].flat(),
    ],
    agents: await agentsIn(runtimeDirectories(env)),
    directories: keptDirectories(paths, env),
  };
}

/**
 * Removes shims, the lines in files of shells, and agents; for a `purge` also the directories that we keep
 * something in. What cannot be removed is left, and the rest goes. Never rejects.
 *
 * Shims go first, so that nobody starts an agent through them, and files of shells last, when what lay beside
 * them in directories that we made is gone.
 */
export async function leave(
  place: ShimPlace,
  options: { readonly purge: boolean; readonly patienceMs?: number },
): Promise<Departure> {
  const { paths, env } = place;
  const left: Left[] = [];
  giveDockerBack(place, left);
  const shims = shimsIn(place).tools.filter((tool) => isRemoved(tool, place, left));
  const { agents, holds } = await endAgents(runtimeDirectories(env), options);

  const kept = keptDirectories(paths, env).map(({ path }) => path);
  const removal = options.purge ? purge(paths, env, homeOf(env)) : { left: [], above: [] };
  holds.forEach((hold) => hold.release());
  removeEmptied(removal.above, []);
  const files = leavePath(env, paths.shims).filter(({ outcome }) => outcome !== 'unchanged');
  removeShimDirectory(place);
  // Once more: a file of a shell may have been the last thing there.
  removeEmptied(removal.above, []);

  return {
    shims: shims.map((tool) => shimFile(tool, place)),
    files,
    agents,
    directories: kept.filter((path) => !lstatSync(path, { throwIfNoEntry: false })),
    left: [
      ...left,
      ...shimsIn(place).others.map((path) => ({ path, reason: 'it is none of ours' })),
      ...files.flatMap(({ path, outcome, reason = 'somebody has changed our lines in it' }) =>
        outcome === 'removed' ? [] : { path, reason },
      ),
      ...agents.flatMap(({ directory, end }) =>
        end === 'left' ? { path: directory, reason: 'its agent does not end' } : [],
      ),
      ...removal.left,
    ],
  };
}

/** Docker's daemon is no longer led to us, and nothing keeps an agent. */
function giveDockerBack({ paths, env }: ShimPlace, left: Left[]): void {
  const { file, base } = readDockerLed(paths.state) ?? {};
  const unit = unitFile(env, homeOf(env));
  for (const [path, giveBack] of [
    [file, () => releaseDocker(paths.state)],
    [unit, () => removeUnit(unit)],
    [join(paths.state, 'resident'), () => keepResident(paths.state, false)],
  ] as const) {
    try {
      giveBack();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      left.push({ path: path ?? unit, reason: path === file ? `${reason}; it names ${base}` : reason });
    }
  }
}

function isRemoved(tool: string, place: ShimPlace, left: Left[]): boolean {
  try {
    return removeShim(tool, place);
  } catch (error) {
    left.push({
      path: shimFile(tool, place),
      reason: error instanceof Error ? error.message : String(error),
    });
    return false;
  }
}

/** Ends all agents. For a purge it then takes the place of those that somebody might start meanwhile. */
async function endAgents(
  runtimes: readonly string[],
  options: { readonly purge: boolean; readonly patienceMs?: number },
): Promise<{ readonly agents: Departure['agents']; readonly holds: readonly Lock[] }> {
  const agents: Departure['agents'][number][] = [];
  for (let attempt = 1; ; attempt++) {
    const living = await agentsIn(runtimes);
    const ended = living.map(async (agent) => ({
      ...agent,
      end: await endAgent(agent.directory, options.patienceMs),
    }));
    agents.push(...(await Promise.all(ended)));
    const holds = options.purge ? runtimes.map(holdOff) : [];
    const isBusy = holds.includes('busy') && agents.every(({ end }) => end !== 'left');
    if (!isBusy || attempt === ATTEMPTS)
      return { agents, holds: holds.filter((hold) => typeof hold === 'object') };
    holds.forEach((hold) => typeof hold === 'object' && hold.release());
  }
}

async function agentsIn(runtimes: readonly string[]): Promise<LivingAgent[]> {
  return (await Promise.all(runtimes.map(livingAgents))).flat();
}
