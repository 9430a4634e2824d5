/**
 * Installs as they are measured: with npm alone, and through us.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Mirror } from '../counted.ts';
import type { Toolchain } from './npms.ts';
import { makePlace, type Place, timed, type Timed } from './place.ts';
import { type ProjectName, writeEmpty, writeLocked } from './projects.ts';
import { lastLinkedAt, lastReceipt, spent, stopAgent, watchLaunches, withStandIns } from './pyrsia.ts';
import type { Sample } from './results.ts';

/** What npm is asked to do. Scripts of packages would measure the packages. */
export const CI = 'ci --ignore-scripts';

/** What installs are measured in. */
export interface World {
  /** A directory that is deleted afterwards. */
  readonly base: string;
  readonly project: ProjectName;
  readonly tools: Toolchain;
  /** What direct installs come from; its URL ends in `/`. */
  readonly registry: string;
  /** Where the registry is ours. */
  readonly mirror: Mirror | undefined;
  /** Whom one has to trust for that: the certificate, and where it lies. */
  readonly authority: { readonly pem: string; readonly file: string } | undefined;
  /** What is open as long as it is measured. */
  readonly open: AsyncDisposableStack;
}

/** An install that can be measured again and again; once before it counts, for what is to be warm. */
export interface Install {
  /** Where it installs. */
  readonly dir: string;
  measure(): Promise<Omit<Sample, 'upstream'>>;
}

/** With nothing between npm and `registry`. `name` is that of its directory below the world's. */
export function plain(
  world: World,
  name: string,
  registry: string,
  { command = `npm ${CI}`, keepCache = false } = {},
): Install {
  const place = placeAt(world, name, registry);
  const dir = projectAt(world, name, registry);
  return { dir, measure: async () => timed(place, dir, command, { keepCache }) };
}

/** Through us, with everything in our store, and the agent running. */
export async function warm(
  world: World,
  name: string,
  command = `npm ${CI}`,
  env: Readonly<Record<string, string>> = {},
): Promise<Install> {
  const place = await withStandIns(placeAt(world, name, world.registry), 'npm', 'npx');
  const dir = projectAt(world, name, world.registry);
  world.open.defer(() => stopAgent(place));
  await timed(place, dir, `npm ${CI}`); // Starts the agent.
  const used: Place = { ...place, env: { ...place.env, ...env } };
  return { dir, measure: async () => led(used, dir, command) };
}

/** Through us, with the agent running, and nothing in its store: a new one each time. */
export function cold(world: World, name: string, registry: string): Install {
  const dir = projectAt(world, name, registry);
  const empty = join(world.base, name, 'empty');
  writeEmpty(empty);
  let count = 0;
  return {
    dir,
    async measure() {
      // Not the name of another way.
      const own = `${name}.${(count += 1)}`;
      const place = await withStandIns(placeAt(world, own, registry), 'npm', 'npx');
      try {
        await timed(place, empty, `npm ${CI}`); // Starts the agent.
        return await led(place, dir, `npm ${CI}`);
      } finally {
        await stopAgent(place);
        rmSync(join(world.base, own), { recursive: true });
      }
    },
  };
}

/** Measures what a server takes along with an install. */
export async function withServer(
  measure: () => Promise<Timed>,
  spentSoFar: () => Promise<NonNullable<Sample['server']>>,
): Promise<Omit<Sample, 'upstream'>> {
  const before = await spentSoFar();
  const sample = await measure();
  const { cpu, peakRss } = await spentSoFar();
  return { ...sample, server: { cpu: cpu - before.cpu, peakRss } };
}

async function led(place: Place, dir: string, command: string): Promise<Omit<Sample, 'upstream'>> {
  using launches = watchLaunches(place);
  const sample = await withServer(
    async () => timed(place, dir, command),
    async () => spent(place),
  );
  const { fill } = await lastReceipt(place);
  if (!fill || fill.linked === 0) return sample;
  const doneMs = lastLinkedAt(place) - launches.at();
  return { ...sample, fill: { linked: fill.linked, ms: fill.ms, doneMs } };
}

/** A new home below the world's directory. */
export function placeAt({ base, tools, authority }: World, name: string, registry: string): Place {
  return makePlace(join(base, name), tools.path, { registry, ...(authority && { cafile: authority.file }) });
}

/** The project, resolved at `registry`, in a home below the world's directory. */
export function projectAt({ base, project }: World, name: string, registry: string): string {
  const dir = join(base, name, 'project');
  writeLocked(project, dir, registry);
  return dir;
}
