import { PyrsiaCommand } from '../../command/pyrsia-command.ts';

export default class AgentStop extends PyrsiaCommand {
  static override summary = 'End the agent; installs that are running through it may fail';
  static override examples = ['<%= config.bin %> agent stop'];

  async run(): Promise<{ readonly stopped: boolean }> {
    await this.parse(AgentStop);
    await using session = this.openSession();

    const agent = await session.runningAgent();
    if (!agent) {
      this.print('No agent is running');
      return { stopped: false };
    }
    await agent.call('stop', { whenIdle: false });
    await agent.closed;
    this.print(`Stopped the agent (pid ${agent.hello.pid})`);
    return { stopped: true };
  }
}
