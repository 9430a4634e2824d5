import * as Flags from '@oclif/core/flags';
import type { Verification } from '../../cache/cache.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { startProgress } from '../../command/talk.ts';

export default class CacheVerify extends PyrsiaCommand {
  static override summary = 'Read everything that is cached again, and remove what is damaged';
  static override description = 'Ends with exit code 1 when something was damaged.';
  static override examples = ['<%= config.bin %> cache verify', '<%= config.bin %> cache verify --rebuild'];
  static override flags = {
    rebuild: Flags.boolean({ summary: 'make the catalogue anew from the record first' }),
  };

  async run(): Promise<Verification> {
    const { flags } = await this.parse(CacheVerify);
    await using session = this.openSession();
    const agent = await session.agent();

    using progress = startProgress();
    const onProgress = ({ checked, total }: { checked: number; total: number }): void =>
      progress.show('verified', `Verified ${checked} of ${total}`);
    const verification = await agent.call('cache.verify', { rebuild: flags.rebuild }, { onProgress });
    progress[Symbol.dispose]();

    this.print(told(verification));
    if (verification.damaged.length > 0) process.exitCode = 1;
    return verification;
  }
}

function told({ checked, damaged, orphans, rebuilt }: Verification): string {
  const lines = damaged.map(
    ({ digest, actual, purls, removed }) =>
      `Damaged${removed ? ', removed' : ''}: ${purls.join(', ') || digest} (expected ${digest}, found ${actual})`,
  );
  if (orphans > 0) lines.push(`${orphans} files without a record, harmless: pyrsia cache gc frees them`);
  if (rebuilt) lines.push('The catalogue was rebuilt');
  return [
    ...lines,
    `Verified ${checked} ${checked === 1 ? 'file' : 'files'}: ${damaged.length === 0 ? 'all sound' : `${damaged.length} damaged`}`,
  ].join('\n');
}
