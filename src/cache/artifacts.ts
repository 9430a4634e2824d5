import type { SQLOutputValue } from 'node:sqlite';
import type { Artifact, ArtifactQuery, ArtifactRow, CacheSize } from './cache.ts';
import { diskBytes } from './room.ts';
import type { Shelf } from './shelf.ts';

const orders: Readonly<Record<NonNullable<ArtifactQuery['sort']>, string>> = {
  name: 'b.name, b.version, b.purl',
  size: 'c.size DESC, b.purl',
  used: 'c.used_at DESC, b.purl',
};

/** Every member of an artifact, from the catalogue; `file` is null where a version has one file only. */
const columns: Readonly<Record<keyof Artifact, string>> = {
  purl: 'b.purl',
  ecosystem: 'b.ecosystem',
  name: 'b.name',
  version: 'b.version',
  file: "nullif(b.file, '')",
  upstream: 'b.upstream',
  digest: 'c.sha256',
  size: 'c.size',
  storedAt: 'c.stored_at',
  usedAt: 'c.used_at',
  private: 'b.private',
  offline: 'b.sha256 IS NOT NULL OR b.sha512 IS NOT NULL',
};

const MEMBERS = Object.keys(columns);

/** Every binding whose content is here, from the catalogue alone. */
export function listArtifacts(shelf: Shelf, query?: ArtifactQuery): Artifact[] {
  return rowsOf(shelf, Object.values(columns), query).map((row) => {
    const artifact = Object.fromEntries(MEMBERS.map((member, i) => [member, row[i]]));
    const { file, private: isPrivate, offline } = artifact;
    if (file === null) delete artifact['file'];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys are those of the columns
    return { ...artifact, private: isPrivate === 1, offline: offline === 1 } as unknown as Artifact;
  });
}

/** The same as rows of a table. */
export function listArtifactRows(shelf: Shelf, query?: ArtifactQuery): readonly ArtifactRow[] {
  const { purl, size, usedAt, private: isPrivate, offline } = columns;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the columns just named
  return rowsOf(shelf, [purl, size, usedAt, isPrivate, offline], query) as unknown as ArtifactRow[];
}

function rowsOf(
  { catalogue, writing }: Shelf,
  selected: readonly string[],
  { ecosystem, besides, name = '*', sort = 'used', limit = -1 }: ArtifactQuery = {},
): SQLOutputValue[][] {
  writing?.later.flushUses();
  return catalogue.rows(
    `SELECT ${selected.join(', ')} FROM binding b JOIN content c ON c.sha256 = coalesce(b.sha256, b.learned)
     WHERE (?1 IS NULL OR b.ecosystem = ?1) AND (?4 IS NULL OR b.ecosystem <> ?4) AND b.name GLOB ?2
     ORDER BY ${orders[sort]} LIMIT ?3`,
    ecosystem ?? null,
    // GLOB knows character classes as well; in a name a bracket is a bracket.
    name.replaceAll('[', '[[]'),
    limit,
    besides ?? null,
  );
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
