import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { installUnit } from '../../command/stay.ts';
import { keepResident } from '../../shims/resident.ts';

export default class NodeInstall extends PyrsiaCommand {
  static override summary = 'Keep an agent running, also after the machine was started again';
  static override description =
    'A unit of your own systemd starts it. Without one it stays until the machine is started again, and is there after the next command.';
  static override examples = ['<%= config.bin %> node install'];

  async run(): Promise<{ readonly resident: true; readonly unit?: string }> {
    await this.parse(NodeInstall);
    await using session = this.openSession();
    keepResident(session.paths.state, true);
    const unit = await installUnit(session, this.config.root);
    await session.agent();
    this.print(unit === undefined ? 'The agent stays' : `The agent stays; ${unit} starts it`);
    return { resident: true, ...(unit !== undefined && { unit }) };
  }
}
