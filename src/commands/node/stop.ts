import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { hasUnit, systemctl } from '../../command/stay.ts';
import { readDockerLed } from '../../shims/docker-led.ts';
import { keepResident } from '../../shims/resident.ts';
import { UNIT } from '../../shims/resident-unit.ts';

export default class NodeStop extends PyrsiaCommand {
  static override summary = 'Let the agent go when nobody needs it here';
  static override description =
    'It ends at once unless something is running through it. A unit that pyrsia node install has written starts it again with the machine: pyrsia node uninstall takes that out.';
  static override examples = ['<%= config.bin %> node stop'];

  async run(): Promise<{ readonly wasResident: boolean; readonly stopped: boolean }> {
    await this.parse(NodeStop);
    await using session = this.openSession();
    const { env, paths } = session;
    const wasResident = keepResident(paths.state, false);
    const isNeeded = readDockerLed(paths.state) !== undefined;
    if (isNeeded) this.say('The agent stays for docker’s daemon: pyrsia docker disable');
    else if (hasUnit(session)) await systemctl(env, 'stop', UNIT);
    const agent = isNeeded ? undefined : await session.runningAgent();
    const { stopping } = (await agent?.call('stop', { whenIdle: true })) ?? { stopping: false };
    this.print(
      wasResident ? 'The agent stays no longer than it is needed' : 'The agent was not kept running',
    );
    return { wasResident, stopped: stopping };
  }
}
