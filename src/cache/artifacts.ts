import type { Sha256 } from '../content/digest.ts';
import type { Artifact, ArtifactQuery, CacheSize } from './cache.ts';
import { ecosystemFrom } from './ecosystem-names.ts';
import { diskBytes } from './room.ts';
import type { Shelf } from './shelf.ts';

const orders: Readonly<Record<NonNullable<ArtifactQuery['sort']>, string>> = {
  name: 'b.name, b.version, b.purl',
  size: 'c.size DESC, b.purl',
  used: 'c.used_at DESC, b.purl',
};

/** Every binding whose content is here, from the catalogue alone: 20,000 of them take some 80 ms. */
export function listArtifacts({ catalogue, writing }: Shelf, query: ArtifactQuery = {}): Artifact[] {
  writing?.later.flushUses();
  const { ecosystem = null, name = '*', sort = 'used', limit = -1 } = query;
  const rows = catalogue.each(
    `SELECT b.purl, b.ecosystem, b.name, b.version, b.file, b.upstream, c.sha256, c.size, c.stored_at, c.used_at,
       b.private, b.sha256 IS NOT NULL OR b.sha512 IS NOT NULL
     FROM binding b JOIN content c ON c.sha256 = coalesce(b.sha256, b.learned)
     WHERE (?1 IS NULL OR b.ecosystem = ?1) AND b.name GLOB ?2 ORDER BY ${orders[sort]} LIMIT ?3`,
    // GLOB knows character classes as well; in a name a bracket is a bracket.
    ecosystem,
    name.replaceAll('[', '[[]'),
    limit,
  );

  const artifacts: Artifact[] = [];
  for (const [
    purl,
    kind,
    fullName,
    version,
    file,
    upstream,
    digest,
    size,
    storedAt,
    usedAt,
    secret,
    strong,
  ] of rows) {
    artifacts.push({
      purl: String(purl),
      ecosystem: ecosystemFrom(kind),
      name: String(fullName),
      version: String(version),
      ...(file !== '' && { file: String(file) }),
      upstream: String(upstream),
      digest: sha256From(digest),
      size: Number(size),
      storedAt: Number(storedAt),
      usedAt: Number(usedAt),
      private: secret === 1,
      offline: strong === 1,
    });
  }
  return artifacts;
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

function sha256From(value: unknown): Sha256 {
  if (!isSha256(value)) throw new TypeError('The catalogue has content without a digest');
  return value;
}

/** Only the catalogue's own column comes here, so the first letters tell. */
function isSha256(value: unknown): value is Sha256 {
  return typeof value === 'string' && value.startsWith('sha256:');
}
