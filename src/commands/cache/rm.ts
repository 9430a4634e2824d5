import * as Flags from '@oclif/core/flags';
import { cachedArtifacts } from '../../command/lookup.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { confirmed } from '../../command/talk.ts';
import { formatBytes } from '../../content/format.ts';
import type { Methods } from '../../control/protocol.ts';

export default class CacheRm extends PyrsiaCommand {
  static override summary = 'Remove content; what it was first seen to be is still remembered';
  static override description = 'Asks before it removes anything; without a terminal it wants --yes.';
  static override examples = [
    "<%= config.bin %> cache rm '@acme/*'",
    '<%= config.bin %> cache rm npm:lodash@4.17.21 --yes',
    '<%= config.bin %> cache rm nginx:latest',
    '<%= config.bin %> cache rm sha256:2cf2… left-pad',
  ];
  static override usage = 'cache rm PATTERN|REF|DIGEST… [-y] [--json]';
  static override strict = false;
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'do not ask' }) };

  async run(): Promise<Methods['cache.rm']['result']> {
    const { argv, flags } = await this.parse(CacheRm);
    if (argv.length === 0)
      this.error('Nothing to remove: name a pattern, a reference or a digest', { exit: 2 });
    await using session = this.openSession();

    const artifacts = await cachedArtifacts(await session.cache(), argv.map(String));
    const bytes = artifacts.reduce((sum, { size }) => sum + size, 0);
    const what = artifacts.length === 1 ? artifacts[0]!.purl : `${artifacts.length} artifacts`;
    if (!flags.yes && !(await confirmed(`Remove ${what} (${formatBytes(bytes)})?`))) {
      this.error('Nothing was removed: confirm, or give --yes', { exit: 2 });
    }
    const digests = [...new Set(artifacts.map(({ digest }) => digest))];
    const removed = await (await session.agent()).call('cache.rm', { digests });
    this.say(`Removed ${removed.removed}, ${formatBytes(removed.bytes)}`);
    return removed;
  }
}
