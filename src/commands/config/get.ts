import * as Args from '@oclif/core/args';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import type { Origin } from '../../config/read-config.ts';
import { isKey, type Key, problemWith } from '../../config/settings.ts';
import { PyrsiaError } from '../../errors.ts';

/** One setting in force. */
export interface SettingInForce {
  readonly key: Key;
  readonly value: string;
  readonly origin: Origin;
}

export default class ConfigGet extends PyrsiaCommand {
  static override summary = 'Print the value that is in force';
  static override examples = [
    '<%= config.bin %> config get policy',
    '<%= config.bin %> config get cache.limit --json',
  ];
  static override args = { key: Args.string({ description: 'name of a setting', required: true }) };

  async run(): Promise<SettingInForce> {
    const { key } = (await this.parse(ConfigGet)).args;
    if (!isKey(key)) throw new PyrsiaError('CONFIG_INVALID', { problems: [problemWith(key)!] });
    await using session = this.openSession();

    const { text, origin } = session.config.origins[key];
    this.print(text);
    return { key, value: text, origin };
  }
}
