import { sayWhenInForce } from '../../command/in-force.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { readConfigFile, userConfigPath, writeConfigFile } from '../../config/config-file.ts';
import { change } from '../../config/edit-config.ts';
import { PyrsiaError } from '../../errors.ts';

export default class ConfigUnset extends PyrsiaCommand {
  static override summary = 'Go back to the default';
  static override examples = [
    '<%= config.bin %> config unset policy',
    '<%= config.bin %> config unset proxy.host proxy.port',
  ];
  static override usage = 'config unset KEY [KEY…] [--json]';
  static override strict = false;

  async run(): Promise<{ readonly unset: readonly string[] }> {
    const { argv } = await this.parse(ConfigUnset);
    const keys = argv.map(String);
    if (keys.length === 0)
      throw new PyrsiaError('CONFIG_INVALID', { problems: ['Nothing to unset: name a setting'] });
    await using session = this.openSession();

    const file = readConfigFile(userConfigPath(session.paths));
    writeConfigFile(
      file.path,
      change(
        file,
        keys.map((key) => [key, undefined]),
      ),
    );
    await sayWhenInForce(session, keys);
    return { unset: keys };
  }
}
