import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Artifact, ArtifactQuery, ArtifactRow, Cache } from '../../cache/cache.ts';
import { demandReadable } from '../../cache/demand-readable.ts';
import type { CachedImage, ImageContents } from '../../command/cached-images.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { table } from '../../command/table.ts';
import { harmless } from '../../command/talk.ts';
import { formatBytes, formatDuration } from '../../content/format.ts';
import { ECOSYSTEM_NAMES } from '../../cache/ecosystem-names.ts';

export default class CacheLs extends PyrsiaCommand {
  static override summary = 'List what is cached, most recently used first';
  static override description =
    'OFFLINE tells whether an install from a lockfile needs nothing else of it, or an image is here with all its layers; PRIVATE ' +
    'content comes from a registry that is not public and is never offered to anybody. Images come first, each with the tags ' +
    'that it was seen under; SHARED is what other images of the cache have, too.';
  static override examples = [
    '<%= config.bin %> cache ls',
    "<%= config.bin %> cache ls '@types/*' --sort size --limit 20",
    '<%= config.bin %> cache ls nginx',
    '<%= config.bin %> cache ls --ecosystem npm --json',
  ];
  static override args = {
    pattern: Args.string({ description: 'names to list; * and ? stand for anything' }),
  };
  static override flags = {
    ecosystem: Flags.option({ options: ECOSYSTEM_NAMES, summary: 'of this ecosystem only' })(),
    sort: Flags.option({
      options: ['used', 'name', 'size'] as const,
      summary: 'order',
      default: 'used' as const,
    })(),
    limit: Flags.integer({ summary: 'list at most this many', min: 1 }),
  };

  async run(): Promise<(CachedImage | Artifact)[] | undefined> {
    const { args, flags } = await this.parse(CacheLs);
    await using session = this.openSession();
    demandReadable(session.paths.cache);
    const cache = await session.cache();

    const { ecosystem, sort, limit = Infinity } = flags;
    const { pattern } = args;
    const withImages = ecosystem === undefined || ecosystem === 'docker';
    const { images: all, strays } = withImages ? await imagesIn(cache, pattern) : { images: [], strays: [] };
    const images = all.toSorted(orders[sort]).slice(0, limit);
    const others = strays.slice(0, limit - images.length);
    const query: ArtifactQuery = {
      sort,
      besides: 'docker',
      ...(pattern !== undefined && { name: pattern }),
      ...(ecosystem !== undefined && { ecosystem }),
      ...(limit !== Infinity && { limit: limit - images.length - others.length }),
    };
    if (this.jsonEnabled()) return [...images.map(publicly), ...others, ...cache.artifacts(query)];
    const rows = [...others.map(rowOf), ...cache.artifactRows(query)];
    const now = Date.now();
    const tables = [images.length > 0 && imageTable(images, now), rows.length > 0 && listing(rows, now)];
    if (images.length + rows.length > 0) this.print(tables.filter(Boolean).join('\n\n'));
    else this.say(pattern ? `Nothing cached matches ${pattern}` : 'The cache is empty');
    return undefined;
  }
}

type Sort = NonNullable<ArtifactQuery['sort']>;

const orders: Readonly<Record<Sort, (a: CachedImage, b: CachedImage) => number>> = {
  used: (a, b) => b.usedAt - a.usedAt,
  name: (a, b) => (nameOf(a) < nameOf(b) ? -1 : 1),
  size: (a, b) => b.size - a.size,
};

/** Images, and what belongs to none. They are read from their manifests, for which who has none need not wait. */
async function imagesIn(
  cache: Cache,
  pattern: string | undefined,
): Promise<{ readonly images: readonly ImageContents[]; readonly strays: readonly Artifact[] }> {
  if (cache.artifactRows({ ecosystem: 'docker', limit: 1 }).length === 0) return { images: [], strays: [] };
  const { imagesMeant, imagesOf } = await import('../../command/lookup.ts');
  const images = imagesOf(cache);
  const parts = new Set(
    images.flatMap(({ name, artifacts }) => artifacts.map(({ digest }) => `${name} ${digest}`)),
  );
  const strays = cache
    .artifacts({ ecosystem: 'docker', ...(pattern !== undefined && { name: pattern }) })
    .filter(({ name, digest }) => !parts.has(`${name} ${digest}`));
  return { images: pattern === undefined ? images : await imagesMeant(images, pattern), strays };
}

function rowOf({ purl, size, usedAt, private: isPrivate, offline }: Artifact): ArtifactRow {
  return [purl, size, usedAt, isPrivate ? 1 : 0, offline ? 1 : 0];
}

/** An image without what it is made of, which `why` tells. */
function publicly({ parts: _parts, artifacts: _artifacts, ...image }: ImageContents): CachedImage {
  return image;
}

const imageColumns = [
  { heading: 'SIZE', right: true },
  { heading: 'SHARED', right: true },
  { heading: 'USED', right: true },
  { heading: 'PRIVATE' },
  { heading: 'OFFLINE' },
  { heading: 'PLATFORM' },
  { heading: 'IMAGE' },
];

function imageTable(images: readonly CachedImage[], now: number): string {
  return table(
    imageColumns,
    images.map(({ size, shared, usedAt, private: isPrivate, offline, platforms, ...image }) => [
      formatBytes(size),
      shared > 0 ? formatBytes(shared) : '-',
      `${formatDuration(Math.max(0, now - usedAt))} ago`,
      isPrivate ? 'private' : '-',
      offline ? 'offline' : '-',
      platforms.map(platformOf).join(', ') || '-',
      nameOf(image),
    ]),
  );
}

function platformOf({
  platform = 'any',
  complete,
  layers,
  cached,
}: CachedImage['platforms'][number]): string {
  return complete ? platform : `${platform} (${cached} of ${layers} layers)`;
}

/** `nginx:1.27, latest`, or the digest of what no tag means any more. */
function nameOf({ image, tags, digest }: Pick<CachedImage, 'image' | 'tags' | 'digest'>): string {
  const names = [...new Set(tags.map(({ tag }) => tag))];
  return names.length > 0 ? `${image}:${names.join(', ')}` : `${image}@${digest}`;
}

/** As `ls -l` has it: what may be of any length stands last, so that nobody need look at all of it first. */
function listing(rows: readonly ArtifactRow[], now: number): string {
  const lines = rows.map(([purl, size, usedAt, isPrivate, offline]) => {
    const used = `${formatDuration(Math.max(0, now - usedAt))} ago`;
    return lineOf(
      formatBytes(size),
      used,
      isPrivate ? 'private' : '-      ',
      offline ? 'offline' : '-      ',
      purl,
    );
  });
  return harmless([lineOf('SIZE', 'USED', 'PRIVATE', 'OFFLINE', 'PURL'), ...lines].join('\n'));
}

function lineOf(size: string, used: string, isPrivate: string, offline: string, purl: string): string {
  return `${size.padStart(8)}  ${used.padStart(15)}  ${isPrivate}  ${offline}  ${purl}`;
}
