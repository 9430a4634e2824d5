import { facts } from '../../command/table.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { formatBytes, formatDuration } from '../../content/format.ts';
import type { AgentStatus as Status } from '../../control/protocol.ts';

export default class AgentStatus extends PyrsiaCommand {
  static override summary = 'Show the agent, without starting one';
  static override examples = ['<%= config.bin %> agent status', '<%= config.bin %> agent status --json'];

  async run(): Promise<Status> {
    await this.parse(AgentStatus);
    await using session = this.openSession();

    const agent = await session.runningAgent();
    const status = agent ? await agent.call('status', {}) : { running: false };
    this.print(told(status, Date.now()));
    return status;
  }
}

function told(status: Status, now: number): string {
  const {
    running,
    pid,
    version,
    ports = {},
    launches,
    startedAt,
    rss,
    readOnly,
    submitting,
    unreachable = [],
  } = status;
  if (!running) return 'No agent is running; the first command that needs one starts it';
  return facts([
    ['pid', String(pid)],
    ['version', version],
    ['running for', startedAt === undefined ? undefined : formatDuration(now - startedAt)],
    ['launches', String(launches ?? 0)],
    ['submitting', submitting === undefined ? undefined : `${submitting} to the log`],
    ['memory', rss === undefined ? undefined : formatBytes(rss)],
    ...Object.entries(ports).map(([upstream, port]) => ['port', `${port}  ${upstream}`] as const),
    ['not stored', readOnly],
    ...unreachable.map((upstream) => ['unreachable', upstream] as const),
  ]);
}
