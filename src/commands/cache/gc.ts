import * as Flags from '@oclif/core/flags';
import type { Collected } from '../../cache/cache.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { formatBytes } from '../../content/format.ts';

export default class CacheGc extends PyrsiaCommand {
  static override summary = 'Collect garbage: what exceeds the limit, and what was left half-way';
  static override examples = ['<%= config.bin %> cache gc --dry-run', '<%= config.bin %> cache gc'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'only tell what would be freed' }) };

  async run(): Promise<Collected> {
    const { flags } = await this.parse(CacheGc);
    await using session = this.openSession();

    const collected = await (await session.agent()).call('cache.gc', { dryRun: flags['dry-run'] });
    const { artifacts, orphans, partials, bytes } = collected;
    this.print(
      `${flags['dry-run'] ? 'Would free' : 'Freed'} ${formatBytes(bytes)}: ${artifacts.length} artifacts, ` +
        `${orphans} files without a record, ${partials} partial ones`,
    );
    return collected;
  }
}
