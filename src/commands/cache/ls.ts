import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Artifact, ArtifactQuery, ArtifactRow } from '../../cache/cache.ts';
import { demandReadable } from '../../cache/demand-readable.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { harmless } from '../../command/talk.ts';
import { formatBytes, formatDuration } from '../../content/format.ts';
import { ECOSYSTEMS } from '../../command/options.ts';

export default class CacheLs extends PyrsiaCommand {
  static override summary = 'List what is cached, most recently used first';
  static override description =
    'OFFLINE tells whether an install from a lockfile needs nothing else of it; PRIVATE content comes from a registry that is not public and is never offered to anybody.';
  static override examples = [
    '<%= config.bin %> cache ls',
    "<%= config.bin %> cache ls '@types/*' --sort size --limit 20",
    '<%= config.bin %> cache ls --ecosystem npm --json',
  ];
  static override args = {
    pattern: Args.string({ description: 'names to list; * and ? stand for anything' }),
  };
  static override flags = {
    ecosystem: Flags.option({ options: ECOSYSTEMS, summary: 'of this ecosystem only' })(),
    sort: Flags.option({
      options: ['used', 'name', 'size'] as const,
      summary: 'order',
      default: 'used' as const,
    })(),
    limit: Flags.integer({ summary: 'list at most this many', min: 1 }),
  };

  async run(): Promise<Artifact[] | undefined> {
    const { args, flags } = await this.parse(CacheLs);
    await using session = this.openSession();
    demandReadable(session.paths.cache);
    const cache = await session.cache();

    const query: ArtifactQuery = {
      sort: flags.sort,
      ...(args.pattern !== undefined && { name: args.pattern }),
      ...(flags.ecosystem !== undefined && { ecosystem: flags.ecosystem }),
      ...(flags.limit !== undefined && { limit: flags.limit }),
    };
    if (this.jsonEnabled()) return cache.artifacts(query);
    const rows = cache.artifactRows(query);
    if (rows.length > 0) this.print(listing(rows, Date.now()));
    else this.say(args.pattern ? `Nothing cached matches ${args.pattern}` : 'The cache is empty');
    return undefined;
  }
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
