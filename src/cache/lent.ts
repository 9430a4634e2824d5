/**
 * What public registries have answered, for neighbours: the body of a document becomes a file of its own once it is asked for,
 * so that nothing else lies there by the next request, and goes again when the process does or others need the room.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { type Digest, digestOf, isDigest, isSha256, type Sha256 } from '../content/digest.ts';
import type { OfferedDocument, OfferedDocuments, OfferedFile, StoredDocument } from './cache.ts';
import { readDocument } from './documents.ts';
import { placeFile, removeFile, temporaryPath } from './layout.ts';
import type { Shelf } from './shelf.ts';

/** How many documents neighbours can ask for by name; those not used for longest cannot be. */
const PLACES_LIMIT = 20_000;

/** The largest body that is lent, in bytes: 32 MiB. */
const LENT_LIMIT = 32 * 2 ** 20;

/** The most that files of such bodies take, in bytes: 256 MiB. The one lent first goes first. */
const FILES_LIMIT = 256 * 2 ** 20;

/** How many bodies' digests are remembered. */
const KNOWN_LIMIT = 10_000;

interface Known {
  readonly key: Digest;
  readonly checkedAt: number;
  readonly size: number;
  readonly offered: OfferedDocument | undefined;
}

/** Documents that are lent. */
export interface LentDocuments extends OfferedDocuments {
  /** The file of a body that somebody was told of. */
  file(this: void, digest: Digest): OfferedFile | undefined;
  close(this: void): void;
}

/** Lends from a cache that is writable. */
export function lentDocuments({ catalogue, layout }: Shelf): LentDocuments {
  const known = new Map<string, Known>();
  const keys = new Map<Sha256, Digest>();
  const files = new Map<Sha256, OfferedFile>();
  let taken = 0;

  function giveBack(sha256: Sha256): void {
    const file = files.get(sha256);
    if (!file) return;
    files.delete(sha256);
    taken -= file.size;
    removeFile(file.path, 0);
  }

  return {
    *places() {
      /** By upstream: names of what is private are not even looked up. */
      const isPublic = new Map<string, boolean>();
      const rows = catalogue.rows(
        'SELECT key, upstream, path FROM document ORDER BY used_at DESC LIMIT ?',
        PLACES_LIMIT,
      );
      for (const [key, upstream, path] of rows) {
        if (typeof key !== 'string' || typeof upstream !== 'string' || typeof path !== 'string') continue;
        if (!isDigest(key)) continue;
        const decided = isPublic.get(upstream) ?? isLent(readDocument(layout, key));
        isPublic.set(upstream, decided);
        if (decided) yield { key, upstream, path };
      }
    },

    find(key) {
      if (!isDigest(key)) return undefined;
      const row = catalogue.get('SELECT size, checked_at FROM document WHERE key = ?', key);
      if (!row) return undefined;
      const [size, checkedAt] = [Number(row['size']), Number(row['checked_at'])];
      const before = known.get(key);
      if (before?.size === size && before.checkedAt === checkedAt) return before.offered;
      const document = readDocument(layout, key);
      const offered = document && isLent(document) ? offeredOf(document, checkedAt) : undefined;
      remembered(known, key, { key, size, checkedAt, offered });
      if (offered) remembered(keys, offered.sha256, key);
      return offered;
    },

    file(digest) {
      if (!isSha256(digest)) return undefined;
      const there = files.get(digest);
      if (there && existsSync(there.path)) return there;
      giveBack(digest);
      const key = keys.get(digest);
      const document = key && readDocument(layout, key);
      if (!document || !isLent(document) || digestOf(document.body, 'sha256') !== digest) return undefined;
      const size = document.body.byteLength;
      const file = { sha256: digest, size, available: size, path: temporaryPath(layout) };
      for (const oldest of files.keys()) {
        if (taken + file.size <= FILES_LIMIT) break;
        giveBack(oldest);
      }
      try {
        placeFile(layout, file.path, [document.body], 0o600);
      } catch {
        // The disk is full: a neighbour asks somebody else.
        return undefined;
      }
      files.set(digest, file);
      taken += file.size;
      return file;
    },

    close() {
      for (const sha256 of files.keys()) giveBack(sha256);
    },
  };
}

function remembered<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= KNOWN_LIMIT) break;
    map.delete(oldest);
  }
}

/** Whether others may have it. */
function isLent(document: StoredDocument | undefined): boolean {
  return document?.private === false && document.body.byteLength <= LENT_LIMIT;
}

function offeredOf({ accept, body, headers }: StoredDocument, seenAt: number): OfferedDocument {
  return {
    accept,
    encoding: (headers['content-encoding'] ?? 'identity').toLowerCase(),
    sha256: digestOf(body, 'sha256'),
    size: body.byteLength,
    seenAt,
  };
}
