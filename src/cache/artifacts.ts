import type { Artifact, ArtifactQuery, CacheSize } from './cache.ts';
import { diskBytes } from './room.ts';
import type { Shelf } from './shelf.ts';

const orders: Readonly<Record<NonNullable<ArtifactQuery['sort']>, string>> = {
  name: 'b.name, b.version, b.purl',
  size: 'c.size DESC, b.purl',
  used: 'c.used_at DESC, b.purl',
};

const strong = 'b.sha256 IS NOT NULL OR b.sha512 IS NOT NULL';

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
  offline: strong,
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys are those of the type
const MEMBERS = Object.keys(columns) as (keyof Artifact)[];

/** Members that SQLite has no type for. */
const TRUTHS: readonly string[] = ['private', 'offline'];

/** Every binding whose content is here, from the catalogue alone. There may be twenty thousand. */
export function listArtifacts<K extends keyof Artifact>(
  { catalogue, writing }: Shelf,
  query: ArtifactQuery<K> = {},
): Pick<Artifact, K>[] {
  writing?.later.flushUses();
  const { ecosystem = null, name = '*', sort = 'used', limit = -1, members = MEMBERS } = query;
  const rows = catalogue.rows(
    `SELECT ${members.map((member) => columns[member]).join(', ')}
     FROM binding b JOIN content c ON c.sha256 = coalesce(b.sha256, b.learned)
     WHERE (?1 IS NULL OR b.ecosystem = ?1) AND b.name GLOB ?2 ORDER BY ${orders[sort]} LIMIT ?3`,
    ecosystem,
    // GLOB knows character classes as well; in a name a bracket is a bracket.
    name.replaceAll('[', '[[]'),
    limit,
  );
  return rows.map((row) => {
    const artifact: Record<string, unknown> = {};
    for (const [i, member] of members.entries()) {
      const value = row[i];
      if (value !== null) artifact[member] = TRUTHS.includes(member) ? value === 1 : value;
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query has just named these members
    return artifact as Pick<Artifact, K>;
  });
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
