import type { Artifact, ArtifactQuery, CacheSize } from './cache.ts';
import type { Row } from './catalogue.ts';
import { isSha256, isDigest } from '../content/digest.ts';
import { ecosystemFrom } from './ecosystem-names.ts';
import { diskBytes } from './room.ts';
import type { Shelf } from './shelf.ts';

const orders: Readonly<Record<NonNullable<ArtifactQuery['sort']>, string>> = {
  name: 'b.name, b.version, b.purl',
  size: 'c.size DESC, b.purl',
  used: 'c.used_at DESC, b.purl',
};

/** Every binding whose content is here, from the catalogue alone: 20,000 of them take some tens of milliseconds. */
export function listArtifacts({ catalogue, writing }: Shelf, query: ArtifactQuery = {}): Artifact[] {
  writing?.later.flushUses();
  const { ecosystem = null, name = '*', sort = 'used', limit = -1 } = query;
  return catalogue
    .all(
      `SELECT b.purl, b.ecosystem, b.name, b.version, b.file, b.upstream, c.sha256, c.size, c.stored_at, c.used_at,
         b.private, b.sha256 IS NOT NULL OR b.sha512 IS NOT NULL AS strong
       FROM binding b JOIN content c ON c.sha256 = coalesce(b.sha256, b.learned)
       WHERE (?1 IS NULL OR b.ecosystem = ?1) AND b.name GLOB ?2 ORDER BY ${orders[sort]} LIMIT ?3`,
      // GLOB knows character classes as well; in a name a bracket is a bracket.
      ecosystem,
      name.replaceAll('[', '[[]'),
      limit,
    )
    .map(artifactFrom);
}

/** Totals; content that several names share counts once. */
export function sizeOf(shelf: Shelf, limit: number): CacheSize {
  const total = (kind: string, what: 'files' | 'bytes'): number =>
    Number(shelf.catalogue.get('SELECT * FROM total WHERE kind = ?', kind)?.[what]);
  return {
    artifacts: total('content', 'files'),
    bytes: total('content', 'bytes'),
    documents: total('document', 'files'),
    documentBytes: total('document', 'bytes'),
    diskBytes: diskBytes(shelf),
    limit,
  };
}

function artifactFrom(row: Row): Artifact {
  const digest = String(row['sha256']);
  if (!isDigest(digest) || !isSha256(digest))
    throw new TypeError('The catalogue has content without a digest');
  const file = String(row['file']);
  return {
    purl: String(row['purl']),
    ecosystem: ecosystemFrom(row['ecosystem']),
    name: String(row['name']),
    version: String(row['version']),
    ...(file !== '' && { file }),
    upstream: String(row['upstream']),
    digest,
    size: Number(row['size']),
    storedAt: Number(row['stored_at']),
    usedAt: Number(row['used_at']),
    private: row['private'] === 1,
    offline: row['strong'] === 1,
  };
}
