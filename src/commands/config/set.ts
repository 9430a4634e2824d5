import { sayWhenInForce } from '../../command/in-force.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { readConfigFile, userConfigPath, writeConfigFile } from '../../config/config-file.ts';
import { change, parseAssignments } from '../../config/edit-config.ts';
import { PyrsiaError } from '../../errors.ts';

export default class ConfigSet extends PyrsiaCommand {
  static override summary = 'Change settings: all that are named, or none if one of them is wrong';
  static override examples = [
    '<%= config.bin %> config set policy locked',
    '<%= config.bin %> config set proxy.host 127.0.0.2 proxy.port 4873 cache.limit 50GB',
    '<%= config.bin %> config set cache.limit=auto agent.idle=0',
  ];
  static override usage = 'config set KEY VALUE [KEY VALUE…] [--json]';
  static override strict = false;

  async run(): Promise<Readonly<Record<string, string>>> {
    const { argv } = await this.parse(ConfigSet);
    const assignments = parseAssignments(argv.map(String));
    if (assignments.length === 0) {
      throw new PyrsiaError('CONFIG_INVALID', { problems: ['Nothing to set: give KEY VALUE or KEY=VALUE'] });
    }
    await using session = this.openSession();

    const file = readConfigFile(userConfigPath(session.paths));
    writeConfigFile(file.path, change(file, assignments));
    await sayWhenInForce(
      session,
      assignments.map(([key]) => key),
    );
    return Object.fromEntries(assignments);
  }
}
