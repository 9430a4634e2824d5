/**
 * The record that is kept: cacache's own index, one entry for each binding. An entry outlives its content,
 * so what an upstream was first seen to give is known after eviction, `rm` and `gc`. Content that no
 * binding tells of has an entry of its own, under its digest.
 *
 * cacache is imported when it is first needed, to read the record or drop from it: that takes tens of milliseconds.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Coordinates } from '../content/coordinates.ts';
import { type Digest, integrityOf, isDigest, isSha256, type Sha256 } from '../content/digest.ts';
import type { Stored } from '../content/source.ts';
import { appendEntry, type IndexLine, tagCache } from './append-entry.ts';
import type { Binding, BindingKey } from './cache.ts';
import { isEcosystem } from './ecosystem-names.ts';

/** One line of the record. */
export type Entry =
  | { readonly kind: 'content'; readonly stored: Stored; readonly storedAt: number }
  | {
      readonly kind: 'binding';
      readonly binding: Binding;
      /** Whether its digests were all computed from the content itself, so each of them leads to it. */
      readonly measured: boolean;
    };

/** Writes and reads the record. Every call fails with the file system's error. */
export interface Ledger {
  bind(binding: Binding, measured: boolean): void;
  /** Records content that no binding tells of. */
  keep(stored: Stored, storedAt: number): void;
  /** Takes {@link keep} back. */
  drop(sha256: Sha256): Promise<void>;
  /** Everything recorded, the latest line of each key; lines that were torn or cannot be read are left out. */
  entries(): AsyncIterable<Entry>;
}

const cacache = async () => (await import('cacache')).default;

/** The record in the cacache directory at `path`. */
export function openLedger(path: string): Ledger {
  let isTagged = false;

  const append = (line: IndexLine): void => {
    if (!isTagged) tagCache(path);
    isTagged = true;
    appendEntry(path, line);
  };

  return {
    bind(binding, measured) {
      const { digests, size, seenAt, reason } = binding;
      const [first] = digests;
      if (first === undefined) throw new TypeError('A binding needs a digest');
      append({
        key: keyOf(binding),
        integrity: integrityOf(first),
        time: Date.now(),
        ...(size !== undefined && { size }),
        metadata: { digests, private: binding.private, seenAt, measured, ...(reason && { reason }) },
      });
    },

    keep({ digests, size }, storedAt) {
      const [sha256] = digests;
      append({ key: sha256, integrity: integrityOf(sha256), time: storedAt, size, metadata: { digests } });
    },

    async drop(sha256) {
      await (await cacache()).rm.entry(path, sha256, { removeFully: true });
    },

    async *entries() {
      if (!existsSync(join(path, 'index-v5'))) return;
      for await (const line of (await cacache()).ls.stream(path)) {
        const entry = isDigest(line.key) ? readKept(line) : readBound(line);
        if (entry) yield entry;
      }
    },
  };
}

interface Line {
  readonly key: string;
  readonly size: number;
  readonly time: number;
  readonly metadata: unknown;
}

/** Coordinates as one string: stable, and readable again. */
function keyOf({ upstream, coordinates: { ecosystem, name, version, file } }: BindingKey): string {
  return JSON.stringify([upstream, ecosystem, name, version, ...(file === undefined ? [] : [file])]);
}

function readKept({ size, time, metadata }: Line): Entry | undefined {
  const [sha256, ...others] = digestsIn(metadata);
  if (!sha256 || !isSha256(sha256) || !isSize(size)) return undefined;
  return { kind: 'content', stored: { digests: [sha256, ...others], size }, storedAt: time };
}

function readBound({ key, size, time, metadata }: Line): Entry | undefined {
  const bound = readKey(key);
  const digests = digestsIn(metadata);
  if (!bound || digests.length === 0 || !isObject(metadata)) return undefined;
  const { private: isPrivate, seenAt, reason, measured } = metadata;
  return {
    kind: 'binding',
    measured: measured === true,
    binding: {
      ...bound,
      digests,
      ...(isSize(size) && { size }),
      // Whatever cannot be read is private: a damaged line must not make anything public.
      private: isPrivate !== false,
      seenAt: typeof seenAt === 'number' ? seenAt : time,
      ...(typeof reason === 'string' && { reason }),
    },
  };
}

function readKey(key: string): BindingKey | undefined {
  const parts = parse(key);
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined;
  const [upstream, ecosystem, name, version, file] = parts;
  if (!upstream || !isEcosystem(ecosystem) || !name || version === undefined) return undefined;
  const coordinates: Coordinates = { ecosystem, name, version, ...(file !== undefined && { file }) };
  return { upstream, coordinates };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function digestsIn(metadata: unknown): readonly Digest[] {
  const digests = isObject(metadata) ? metadata['digests'] : undefined;
  return Array.isArray(digests) ? digests.filter((each) => typeof each === 'string').filter(isDigest) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size);
}
