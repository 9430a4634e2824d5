/**
 * Where nothing is given, because the user said so: places, each known again by its gateway. Commands write it, the agent reads it.
 *
 * @module
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';
import { type Gateway, isSameGateway } from './gateways.ts';
import type { Link } from './lan.ts';

/** The most places that are remembered. */
const PLACES_LIMIT = 1000;
/** The most bytes of the file: 1 MiB. */
const FILE_LIMIT = 2 ** 20;

/** Whether nothing is given on a link. Where the places cannot be read that is so on each. */
export function quietLinks(state: string): (link: Link) => boolean {
  const places = placesIn(state);
  if (!places) return () => true;
  return ({ gateway }) => gateway !== undefined && places.some((place) => isSameGateway(place, gateway));
}

/**
 * Remembers that nothing is given where these links are, or forgets it. Returns how many places that are; 0 where no link has a
 * gateway to know it again by.
 */
export function setQuiet(state: string, links: readonly Link[], isQuiet: boolean): number {
  const here = links.flatMap(({ gateway }) => gateway ?? []);
  if (here.length === 0) return 0;
  const others = (placesIn(state) ?? []).filter((place) => !here.some((each) => isSameGateway(place, each)));
  const places = isQuiet ? [...here, ...others].slice(0, PLACES_LIMIT) : others;
  const path = fileIn(state);
  makeOurs(join(state, 'peer'));
  writeFileSync(`${path}.new`, `${JSON.stringify(places, undefined, 1)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return here.length;
}

/** Undefined: they cannot be read. */
function placesIn(state: string): Gateway[] | undefined {
  const path = fileIn(state);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    if (found.size > FILE_LIMIT) return undefined;
    const said: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(said) && said.every(isGateway) ? said : undefined;
  } catch {
    return undefined;
  }
}

function isGateway(said: unknown): said is Gateway {
  if (typeof said !== 'object' || said === null) return false;
  const [address, mac]: unknown[] = ['address', 'mac'].map((name) => Reflect.get(said, name));
  return typeof address === 'string' && (mac === undefined || typeof mac === 'string');
}

const fileIn = (state: string): string => join(state, 'peer', 'quiet.json');
