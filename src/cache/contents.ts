/**
 * What the catalogue knows of content: under which digests it is known, and how long it is.
 *
 * A digest leads to content only if it was computed from that content: what a lockfile or a document
 * promises beside it is no way in.
 *
 * @module
 */
import type { Wanted } from '../content/descriptor.ts';
import {
  algorithmOf,
  contradiction,
  type Digest,
  type DigestAlgorithm,
  digestWith,
  isDigest,
  isSha256,
  type Sha256,
} from '../content/digest.ts';
import type { Stored } from '../content/source.ts';
import type { Measured } from '../content/verified.ts';
import type { Catalogue, Row } from './catalogue.ts';

/** Content in the catalogue. */
export interface Held extends Stored {
  readonly sha256: Sha256;
}

/** The content that has this digest. */
export function contentWith(catalogue: Catalogue, digest: Digest): Held | undefined {
  // The algorithm is one of three words, never input.
  const row = catalogue.get(`SELECT * FROM content WHERE ${algorithmOf(digest)} = ? LIMIT 1`, digest);
  return row && heldFrom(row);
}

/** The content that is wanted, found by the strongest digest; it contradicts none of the others, nor the size. */
export function contentFor(catalogue: Catalogue, { digests, size }: Wanted): Held | undefined {
  const [strongest] = inOrder(digests);
  const held = strongest && contentWith(catalogue, strongest);
  if (!held || contradiction(digests, held.digests)) return undefined;
  return size === undefined || size === held.size ? held : undefined;
}

/** What was measured, as the store names it. Its sha256 must be among it. */
export function storedFrom({ digests, size }: Measured): Stored {
  const [sha256, ...others] = inOrder(digests);
  if (!sha256 || !isSha256(sha256)) throw new TypeError('Content was not measured by sha256');
  return { digests: [sha256, ...others], size };
}

/** All content, in no particular order. */
export function allContent(catalogue: Catalogue): Held[] {
  return catalogue.all('SELECT * FROM content').map(heldFrom);
}

/** Adds content, or what was learned about content that is known. Returns whether there was anything new. */
export function addContent(catalogue: Catalogue, { digests, size }: Stored, at: number): boolean {
  const [sha256] = digests;
  const [, sha512, sha1] = columnsOf(digests);

  return catalogue.transaction(() => {
    const known = contentWith(catalogue, sha256);
    if (known) catalogue.run('UPDATE content SET used_at = ? WHERE sha256 = ?', at, sha256);
    if (known && digests.every((digest) => known.digests.includes(digest))) return false;
    catalogue.run(
      `INSERT INTO content (sha256, sha512, sha1, size, stored_at, used_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET sha512 = coalesce(sha512, excluded.sha512), sha1 = coalesce(sha1, excluded.sha1)`,
      sha256,
      sha512,
      sha1,
      size,
      at,
      at,
    );
    catalogue.run(
      'UPDATE binding SET learned = ? WHERE sha256 IS NULL AND (sha512 = ? OR sha512 IS NULL AND sha1 = ?)',
      sha256,
      sha512,
      sha1,
    );
    return true;
  });
}

/** Forgets content. Returns whether the record has an entry of its own for it, which is then to be dropped. */
export function removeContent(catalogue: Catalogue, sha256: Sha256): boolean {
  return catalogue.transaction(() => {
    catalogue.run('DELETE FROM content WHERE sha256 = ?', sha256);
    return catalogue.run('DELETE FROM entry WHERE sha256 = ?', sha256) > 0;
  });
}

/** The digests in a row of the catalogue, sha256 first. */
export function digestsFrom(row: Row): Digest[] {
  return [row['sha256'], row['sha512'], row['sha1']]
    .filter((value) => typeof value === 'string')
    .filter(isDigest);
}

/** The same digests as the catalogue has them: one column each. */
export function columnsOf(
  digests: readonly Digest[],
): [sha256: string | null, sha512: string | null, sha1: string | null] {
  const column = (algorithm: DigestAlgorithm): string | null => digestWith(digests, algorithm) ?? null;
  return [column('sha256'), column('sha512'), column('sha1')];
}

/** The same digests: the one that names content in our store first, then by strength. */
export function inOrder(digests: readonly Digest[]): Digest[] {
  return (['sha256', 'sha512', 'sha1'] as const).flatMap((name) => digestWith(digests, name) ?? []);
}

function heldFrom(row: Row): Held {
  const stored = storedFrom({ digests: digestsFrom(row), size: Number(row['size']) });
  return { ...stored, sha256: stored.digests[0] };
}
