import { Args, Flags } from '@oclif/core';
import type { Artifact } from '../../cache/cache.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { table } from '../../command/table.ts';
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

  async run(): Promise<Artifact[]> {
    const { args, flags } = await this.parse(CacheLs);
    await using session = this.openSession();
    const cache = await session.cache();

    const artifacts = cache.artifacts({
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

function listing(artifacts: readonly Artifact[], now: number): string {
  const columns = [
    { heading: 'PURL' },
    { heading: 'SIZE', right: true },
    { heading: 'USED', right: true },
    { heading: 'PRIVATE' },
    { heading: 'OFFLINE' },
  ];
  const rows = artifacts.map((artifact) => [
    artifact.purl,
    formatBytes(artifact.size),
    `${formatDuration(Math.max(0, now - artifact.usedAt))} ago`,
    artifact.private ? 'private' : '-',
    artifact.offline ? 'offline' : '-',
  ]);
  return table(columns, rows);
}
