/**
 * What of a cache may be given to others: only what some public upstream has, since somebody may have asked a private one
 * for the same bytes under another name.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { algorithmOf, type Digest, isDigest, isSha256 } from '../content/digest.ts';
import type { OfferedFile } from './cache.ts';
import { contentPath } from './layout.ts';
import type { Shelf } from './shelf.ts';

/** Whether some public binding `b` leads to content `c`. */
const IS_PUBLIC = `EXISTS (SELECT 1 FROM binding b WHERE b.private = 0 AND b.sha256 = c.sha256)
  OR EXISTS (SELECT 1 FROM binding b WHERE b.private = 0 AND b.sha256 IS NULL AND b.sha512 = c.sha512)`;

/** Public content by one of its digests; undefined: not here, or not for others. */
export function offeredFile({ catalogue, layout }: Shelf, digest: Digest): OfferedFile | undefined {
  // The algorithm is one of three words, never input.
  const column = algorithmOf(digest);
  const row = catalogue.get(
    `SELECT c.sha256, c.size FROM content c WHERE c.${column} = ? AND (${IS_PUBLIC}) LIMIT 1`,
    digest,
  );
  const sha256 = row?.['sha256'];
  if (typeof sha256 !== 'string' || !isDigest(sha256) || !isSha256(sha256)) return undefined;
  const path = contentPath(layout, sha256);
  const size = Number(row?.['size']);
  return existsSync(path) ? { sha256, size, available: size, path } : undefined;
}

/**
 * Public content that is worth a record: what is no part of something, and whatever has `large` bytes. Each by the digest that
 * lockfiles and manifests know it by.
 */
export function* offeredSets({ catalogue }: Shelf, large: number): Iterable<Digest> {
  const rows = catalogue.rows(
    `SELECT DISTINCT coalesce(c.sha512, c.sha256) FROM content c JOIN binding b
       ON b.sha256 = c.sha256 OR (b.sha256 IS NULL AND b.sha512 = c.sha512)
     WHERE b.private = 0 AND (b.file = '' OR c.size >= ?)`,
    large,
  );
  for (const [digest] of rows) if (typeof digest === 'string' && isDigest(digest)) yield digest;
}
