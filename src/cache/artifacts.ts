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
  private: "iif(b.private, 'true', 'false')",
  offline: `iif(${strong}, 'true', 'false')`,
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys are those of the type
const MEMBERS = Object.keys(columns) as (keyof Artifact)[];

/** Members that SQLite has no type for: JSON already. */
const TRUTHS: readonly string[] = ['private', 'offline'];

/**
 * Every binding whose content is here, from the catalogue alone. SQLite writes the whole list as JSON: there
 * may be twenty thousand, and a row at a time costs as much again as finding them.
 */
export function listArtifacts<K extends keyof Artifact>(
  { catalogue, writing }: Shelf,
  query: ArtifactQuery<K> = {},
): Pick<Artifact, K>[] {
  writing?.later.flushUses();
  const { ecosystem = null, name = '*', sort = 'used', limit = -1, members = MEMBERS } = query;
  const pairs = members.map(
    (member) => `'${member}', ${TRUTHS.includes(member) ? `json(${member})` : member}`,
  );
  const found = catalogue.get(
    `SELECT json_group_array(json_object(${pairs.join(', ')})) AS list FROM (
       SELECT ${members.map((member) => `${columns[member]} AS ${member}`).join(', ')}
       FROM binding b JOIN content c ON c.sha256 = coalesce(b.sha256, b.learned)
       WHERE (?1 IS NULL OR b.ecosystem = ?1) AND b.name GLOB ?2 ORDER BY ${orders[sort]} LIMIT ?3)`,
    ecosystem,
    // GLOB knows character classes as well; in a name a bracket is a bracket.
    name.replaceAll('[', '[[]'),
    limit,
  );
  const artifacts: { file?: string | null }[] = JSON.parse(String(found?.['list']));
  for (const artifact of artifacts) if (artifact.file === null) delete artifact.file;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query has just named these members
  return artifacts as Pick<Artifact, K>[];
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
