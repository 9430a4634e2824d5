import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { releaseUnit } from '../../command/stay.ts';
import { readDockerLed } from '../../shims/docker-led.ts';
import { keepResident } from '../../shims/resident.ts';

export default class NodeUninstall extends PyrsiaCommand {
  static override summary = 'Keep no agent running any more, and take out the unit that starts it';
  static override examples = ['<%= config.bin %> node uninstall'];

  async run(): Promise<{ readonly wasResident: boolean; readonly removed: boolean }> {
    await this.parse(NodeUninstall);
    await using session = this.openSession();
    const wasResident = keepResident(session.paths.state, false);
    const isNeeded = readDockerLed(session.paths.state) !== undefined;
    if (isNeeded) this.say('The agent and its unit stay for docker’s daemon: pyrsia docker disable');
    const removed = await releaseUnit(session);
    if (!isNeeded) await (await session.runningAgent())?.call('stop', { whenIdle: true });
    this.print(removed ? 'Took out the unit' : 'There is no unit to take out');
    return { wasResident, removed };
  }
}
