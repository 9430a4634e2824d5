import { ShimCommand, type Switched } from '../../command/shim-command.ts';

export default class ShimDisable extends ShimCommand {
  static override summary = 'Have a tool run as if its shim were not there, until shim enable';
  static override description =
    'The file stays and passes everything by, because shells that are running remember where it is. Without names it is all of ' +
    'them. For one command PYRSIA=off does the same, for a project { "enabled": false } in its .pyrsia.json.';
  static override examples = ['<%= config.bin %> shim disable npm', '<%= config.bin %> shim disable'];
  static override usage = 'shim disable [TOOL…] [--json]';
  static override strict = false;

  async run(): Promise<Switched[]> {
    const { argv } = await this.parse(ShimDisable);
    await using session = this.openSession();
    return this.switchTo(true, argv, this.placeOf(session));
  }
}
