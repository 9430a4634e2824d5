import type { CacheSize } from '../../cache/cache.ts';
import { demandReadable } from '../../cache/demand-readable.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { formatBytes } from '../../content/format.ts';

export default class CacheSizeCommand extends PyrsiaCommand {
  static override summary = 'Print how much is cached and how much may be';
  static override examples = ['<%= config.bin %> cache size', '<%= config.bin %> cache size --json'];

  async run(): Promise<CacheSize> {
    await this.parse(CacheSizeCommand);
    await using session = this.openSession();

    demandReadable(session.paths.cache);
    const size = (await session.cache()).size();
    this.print(
      facts([
        ['artifacts', `${size.artifacts}, ${formatBytes(size.bytes)}`],
        ['documents', `${size.documents}, ${formatBytes(size.documentBytes)}`],
        ['on disk', formatBytes(size.diskBytes)],
        ['limit', formatBytes(size.limit)],
      ]),
    );
    return size;
  }
}
