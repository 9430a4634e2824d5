import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Artifact } from '../../cache/cache.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { harmless } from '../../command/talk.ts';
import { formatBytes, formatDuration } from '../../content/format.ts';
import { ECOSYSTEMS } from '../../command/options.ts';

/** What the table shows. Of twenty thousand artifacts the rest would take longer than everything else. */
const SHOWN = ['purl', 'size', 'usedAt', 'private', 'offline'] as const;

/** An artifact, whole for `--json`. */
type Listed = Pick<Artifact, (typeof SHOWN)[number]> & Partial<Artifact>;

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

  async run(): Promise<Listed[]> {
    const { args, flags } = await this.parse(CacheLs);
    await using session = this.openSession();
    const cache = await session.cache();

    const artifacts: Listed[] = cache.artifacts({
      ...(!this.jsonEnabled() && { members: SHOWN }),
      sort: flags.sort,
      ...(args.pattern !== undefined && { name: args.pattern }),
      ...(flags.ecosystem !== undefined && { ecosystem: flags.ecosystem }),
      ...(flags.limit !== undefined && { limit: flags.limit }),
    });
    if (artifacts.length > 0) this.print(listing(artifacts, Date.now()));
    else if (!this.jsonEnabled())
      this.say(args.pattern ? `Nothing cached matches ${args.pattern}` : 'The cache is empty');
    return artifacts;
  }
}

/** As a table would do it, but without a cell that lives longer than its line: there may be very many. */
function listing(artifacts: readonly Listed[], now: number): string {
  const width = artifacts.reduce((most, { purl }) => Math.max(most, purl.length), 0);
  const lineOf = (purl: string, size: string, used: string, isPrivate: string, offline: string): string =>
    `${purl.padEnd(width)}  ${size.padStart(8)}  ${used.padStart(15)}  ${isPrivate.padEnd(7)}  ${offline}`;
  const lines = artifacts.map(({ purl, size, usedAt, private: isPrivate, offline }) => {
    const used = `${formatDuration(Math.max(0, now - usedAt))} ago`;
    return lineOf(purl, formatBytes(size), used, isPrivate ? 'private' : '-', offline ? 'offline' : '-');
  });
  return harmless([lineOf('PURL', 'SIZE', 'USED', 'PRIVATE', 'OFFLINE'), ...lines].join('\n'));
}
