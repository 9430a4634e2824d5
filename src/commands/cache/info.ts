import * as Args from '@oclif/core/args';
import type { Artifact, Binding } from '../../cache/cache.ts';
import { demandReadable } from '../../cache/demand-readable.ts';
import { cachedAs, lookUp } from '../../command/lookup.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { purlOf } from '../../content/coordinates.ts';
import { formatBytes } from '../../content/format.ts';

/** What is remembered of one artifact, and whether it is here. */
export interface Info extends Binding {
  readonly purl: string;
  /** Undefined when the content is not cached. */
  readonly cached?: Artifact & { readonly path?: string };
}

export default class CacheInfo extends PyrsiaCommand {
  static override summary = 'Show what the cache holds of a package, or by a digest';
  static override examples = [
    '<%= config.bin %> cache info npm:lodash@4.17.21',
    '<%= config.bin %> cache info npm:lodash --json',
    '<%= config.bin %> cache info sha256:2cf2…',
  ];
  static override args = { what: Args.string({ description: 'reference or digest', required: true }) };

  async run(): Promise<Info[]> {
    const { args } = await this.parse(CacheInfo);
    await using session = this.openSession();
    demandReadable(session.paths.cache);
    const cache = await session.cache();

    const { bindings, absent } = await lookUp(cache, args.what);
    if (bindings.length === 0) throw absent;
    const infos = bindings.map((binding): Info => {
      const artifact = cachedAs(cache, binding);
      const path = artifact && cache.pathOf(artifact.digest);
      const cached = artifact && { ...artifact, ...(path !== undefined && { path }) };
      return { purl: purlOf(binding.coordinates), ...binding, ...(cached && { cached }) };
    });
    this.print(infos.map(told).join('\n\n'));
    return infos;
  }
}

function told({ purl, upstream, digests, size, private: isPrivate, seenAt, cached }: Info): string {
  return facts([
    ['purl', purl],
    ['upstream', isPrivate ? `${upstream} (private)` : upstream],
    ...digests.map((digest) => ['digest', digest] as const),
    ['size', size === undefined ? undefined : formatBytes(size)],
    ['first seen', new Date(seenAt).toISOString()],
    ['last used', cached ? new Date(cached.usedAt).toISOString() : undefined],
    ['offline', cached?.offline ? 'an install from a lockfile needs nothing else of it' : 'no'],
    ['file', cached?.path ?? 'not cached'],
  ]);
}
