import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { table } from '../../command/table.ts';
import { userConfigPath } from '../../config/config-file.ts';
import type { Origin } from '../../config/read-config.ts';
import { type Key, KEYS, settingOf } from '../../config/settings.ts';

/** All settings and what is wrong with them. */
export interface ListedConfig {
  readonly path: string;
  readonly settings: readonly {
    readonly key: Key;
    /** As it was written. */
    readonly value: string;
    readonly origin: Origin;
    readonly default: string;
    readonly summary: string;
  }[];
  readonly problems: readonly string[];
}

export default class ConfigLs extends PyrsiaCommand {
  static override summary = 'List all settings: value, where it comes from, default';
  static override examples = ['<%= config.bin %> config ls', '<%= config.bin %> config ls --json'];

  async run(): Promise<ListedConfig> {
    await this.parse(ConfigLs);
    await using session = this.openSession();
    const { origins, problems } = session.config;

    const settings = KEYS.map((key) => ({
      key,
      value: origins[key].text,
      origin: origins[key].origin,
      default: settingOf(key).default,
      summary: settingOf(key).summary,
    }));
    this.print(
      table(
        [
          { heading: 'SETTING' },
          { heading: 'VALUE' },
          { heading: 'FROM' },
          { heading: 'DEFAULT' },
          { heading: 'MEANING' },
        ],
        settings.map((row) => [row.key, row.value, row.origin, row.default, row.summary]),
      ),
    );
    if (!this.jsonEnabled()) problems.forEach((problem) => this.say(problem));
    return { path: userConfigPath(session.paths), settings, problems };
  }
}
