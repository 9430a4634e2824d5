import { ShimCommand, type Switched } from '../../command/shim-command.ts';

export default class ShimEnable extends ShimCommand {
  static override summary = 'Have a shim work again after shim disable';
  static override description = 'Without names it is all of them.';
  static override examples = ['<%= config.bin %> shim enable npm', '<%= config.bin %> shim enable'];
  static override usage = 'shim enable [TOOL…] [--json]';
  static override strict = false;

  async run(): Promise<Switched[]> {
    const { argv } = await this.parse(ShimEnable);
    await using session = this.openSession();
    return this.switchTo(false, argv, this.placeOf(session));
  }
}
