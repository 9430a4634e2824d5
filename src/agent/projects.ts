/**
 * What projects asked for when they were built: by the poms of each, so that the same project finds it again wherever it
 * lies, and a changed one at least what it asked for before. It is derived, and may be lost at any time.
 *
 * @module
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Coordinates } from '../content/coordinates.ts';
import { digestOf, hexOf } from '../content/digest.ts';
import { ecosystems } from '../ecosystems/index.ts';
import type { ReportLine } from '../resolve/report.ts';
import type { BuildSettings } from '../shims/settings.ts';

/** How many projects are remembered, and how many artifacts of each. */
const PROJECTS_LIMIT = 200;
const ARTIFACTS_LIMIT = 20_000;

/** What nobody asked for since the project has changed so often is forgotten. */
const CHANGES_LIMIT = 8;

/** An artifact that was asked for. */
export interface Asked {
  /** The upstream's name, as bindings have it. */
  readonly upstream: string;
  readonly coordinates: Coordinates;
  /** How often the project has changed since. */
  readonly age: number;
}

/** What is remembered of projects. */
export interface Projects {
  /** What builds of this project have asked for, in the order in which they did. */
  read(build: BuildSettings): readonly Asked[];
  /** Remembers what a build had, which was given `before`. Never rejects. */
  learn(build: BuildSettings, before: readonly Asked[], had: readonly ReportLine[]): Promise<void>;
}

/** Opens what is remembered in `directory`; nothing is made before there is something to remember. */
export function openProjects(directory: string): Projects {
  /** The same poms wherever they lie, else the latest that lay here. */
  function nearest(build: BuildSettings): string | undefined {
    const own = nameOf(build);
    const [poms = '', place = ''] = own.split('-');
    const names = namesIn(directory);
    if (names.includes(own)) return own;
    const same = names.find((name) => name.startsWith(`${poms}-`));
    return same ?? latest(names.filter((name) => name.endsWith(`-${place}`)));
  }

  function latest(names: readonly string[]): string | undefined {
    return names.toSorted((a, b) => changedAt(b) - changedAt(a))[0];
  }

  function changedAt(name: string): number {
    return statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  function write(name: string, asked: readonly Asked[]): void {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const fresh = join(directory, `${name}.${process.pid}`);
    writeFileSync(fresh, JSON.stringify(asked), { mode: 0o600 });
    renameSync(fresh, join(directory, name));
    const names = namesIn(directory).toSorted((a, b) => changedAt(b) - changedAt(a));
    for (const old of names.slice(PROJECTS_LIMIT)) rmSync(join(directory, old), { force: true });
  }

  return {
    read(build) {
      const name = nearest(build);
      if (name === undefined) return [];
      const found = readAsked(join(directory, name));
      if (name.split('-')[0] === nameOf(build).split('-')[0]) return found;
      return found.map((each) => ({ ...each, age: each.age + 1 })).filter(({ age }) => age <= CHANGES_LIMIT);
    },
    async learn(build, before, had) {
      const all = new Map(before.map((each) => [keyOf(each), each]));
      let isNew = false;
      for (const { purl, upstream, outcome } of had) {
        const coordinates = outcome === 'delivered' ? await coordinatesOf(purl) : undefined;
        if (!coordinates || all.size >= ARTIFACTS_LIMIT) continue;
        const asked = { upstream, coordinates, age: 0 };
        isNew ||= all.get(keyOf(asked))?.age !== 0;
        all.set(keyOf(asked), asked);
      }
      const name = nameOf(build);
      try {
        if (isNew) write(name, [...all.values()]);
        else if (namesIn(directory).includes(name)) utimesSync(join(directory, name), new Date(), new Date());
        else if (all.size > 0) write(name, [...all.values()]);
      } catch {
        // The next build asks for what it needs.
      }
    },
  };
}

/** A name for these poms at this place, the poms first. */
function nameOf({ project, digest }: BuildSettings): string {
  const place = digestOf(Buffer.from(project), 'sha256');
  return `${[digest, place].map((each) => hexOf(each).slice(0, 24)).join('-')}.json`;
}

/** Reads a purl of a report; undefined for what may be another one each time. */
async function coordinatesOf(purl: string): Promise<Coordinates | undefined> {
  const ecosystem = ecosystems.find(({ name }) => purl.startsWith(`pkg:${name}/`));
  const reference = await ecosystem?.parse(purl).catch(() => undefined);
  return reference && ecosystem?.registry.exact(reference)?.coordinates;
}

function keyOf({ upstream, coordinates: { name, version, file = '' } }: Asked): string {
  return [upstream, name, version, file].join(' ');
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.json'));
  } catch {
    return []; // Nothing was remembered yet.
  }
}

/** What is torn tells nothing. */
function readAsked(path: string): readonly Asked[] {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(found) ? found.filter(isAsked) : [];
  } catch {
    return [];
  }
}

function isAsked(value: unknown): value is Asked {
  if (typeof value !== 'object' || value === null) return false;
  const { upstream, coordinates, age } = value as Partial<Record<keyof Asked, unknown>>;
  if (typeof upstream !== 'string' || typeof age !== 'number') return false;
  if (typeof coordinates !== 'object' || coordinates === null) return false;
  const { ecosystem, name, version, file = '' } = coordinates as Partial<Record<keyof Coordinates, unknown>>;
  return [ecosystem, name, version, file].every((each) => typeof each === 'string');
}
