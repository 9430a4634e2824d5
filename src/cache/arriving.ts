/**
 * Content that is given to others while it arrives: a beginning of it, and all of it until its coordinates are bound.
 *
 * Nobody has verified a beginning. It is what a public upstream sends for what it names, or what some public coordinates are bound
 * to, so nothing private is in it; that it is right only the whole shows, which whoever is given it measures for himself.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import type { Digest, Sha256 } from '../content/digest.ts';
import { HELD_BACK } from '../content/verified.ts';
import type { OfferedFile } from './cache.ts';

/** How many that have arrived are remembered until they are bound. */
const ARRIVED = 64;

/** Where it is, and how much of it, now. */
export interface Growing {
  readonly path: string;
  /** In the file, in bytes. */
  readonly written: number;
  /** Whether all of it is there, and proven. */
  readonly isProven: boolean;
}

/** What is arriving and may be given to others. */
export interface Arriving {
  /** Offers what grows in a file of this name, which is to have `size` bytes; nothing where the name is of no sha256. */
  offer(this: void, name: string, size: number, growing: Growing): void;
  /** It came to nothing. */
  withdraw(this: void, name: string): void;
  find(this: void, digest: Digest): OfferedFile | undefined;
}

/** Nothing is offered. */
export function openArriving(): Arriving {
  const offers = new Map<
    string,
    { readonly sha256: Sha256; readonly size: number; readonly growing: Growing }
  >();

  return {
    offer(name, size, growing) {
      const [, hex] = /^sha256-([0-9a-f]{64})$/.exec(name) ?? [];
      if (hex === undefined || offers.has(name)) return;
      offers.set(name, { sha256: `sha256:${hex}`, size, growing });
      const arrived = [...offers].filter(([, { growing: each }]) => each.isProven);
      for (const [oldest] of arrived.slice(0, Math.max(0, arrived.length - ARRIVED))) offers.delete(oldest);
    },
    withdraw: (name) => void offers.delete(name),
    find(digest) {
      const offer = offers.get(digest.replace(':', '-'));
      if (!offer) return undefined;
      const { sha256, size, growing } = offer;
      const { path, written, isProven } = growing;
      // Nobody ever gets a complete wrong file, not even in parts.
      const available = isProven ? written : Math.max(0, Math.min(written, size) - HELD_BACK);
      if (available === 0 || !existsSync(path)) return undefined;
      return { sha256, size: isProven ? written : size, available, path };
    },
  };
}
