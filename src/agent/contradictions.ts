/**
 * What was refused because it contradicted what was known, until `trust accept` lifts it.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Coordinates, purlOf } from '../content/coordinates.ts';
import { isDigest } from '../content/digest.ts';
import { makeOurs } from '../ours.ts';
import type { Contradiction } from '../proxy/artifact-service.ts';

/** How many are remembered. */
const KEPT = 500;

/** The memory of refusals. */
export interface Contradictions {
  add(found: Contradiction): void;
  /** The latest for these coordinates, at whichever upstream. */
  find(coordinates: Coordinates): Contradiction | undefined;
  remove(found: Contradiction): void;
}

/** Opens the memory in the state directory. What cannot be written is remembered as long as this process lives. */
export function openContradictions(state: string, log: (text: string) => void): Contradictions {
  const file = join(state, 'contradictions.json');
  let all = read(file);

  function write(): void {
    try {
      makeOurs(state);
      const fresh = `${file}.${process.pid}`;
      writeFileSync(fresh, JSON.stringify(all), { mode: 0o600 });
      renameSync(fresh, file);
    } catch (error) {
      log(`Cannot remember what was refused: ${String(error)}`);
    }
  }
  return {
    add(found) {
      all = [...all.filter((each) => !same(each, found)), found].slice(-KEPT);
      write();
    },
    find: (coordinates) => all.findLast((each) => purlOf(each.coordinates) === purlOf(coordinates)),
    remove(found) {
      all = all.filter((each) => !same(each, found));
      write();
    },
  };
}

function same(a: Contradiction, b: Contradiction): boolean {
  return a.upstream === b.upstream && purlOf(a.coordinates) === purlOf(b.coordinates);
}

function read(file: string): Contradiction[] {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(found) ? found.filter(isContradiction) : [];
  } catch {
    return [];
  }
}

function isContradiction(value: unknown): value is Contradiction {
  if (typeof value !== 'object' || value === null) return false;
  const { upstream, coordinates, expected, actual } = value as Partial<Record<keyof Contradiction, unknown>>;
  const digests = [expected, actual].every((digest) => typeof digest === 'string' && isDigest(digest));
  return typeof upstream === 'string' && typeof coordinates === 'object' && coordinates !== null && digests;
}
