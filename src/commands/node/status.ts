import { peerFacts } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { hasUnit } from '../../command/stay.ts';
import { facts } from '../../command/table.ts';
import type { PeersStatus } from '../../control/protocol.ts';
import { isResident } from '../../shims/resident.ts';

/** How it stands. */
interface Told {
  /** Whether the agent stays when nobody needs it here. */
  readonly resident: boolean;
  /** Whether a unit starts it with the machine. */
  readonly installed: boolean;
  readonly running: boolean;
  readonly pid?: number;
  readonly peers?: PeersStatus;
}

export default class NodeStatus extends PyrsiaCommand {
  static override summary = 'Show whether an agent is kept running, and what it gives and takes';
  static override description = 'None is started.';
  static override examples = ['<%= config.bin %> node status', '<%= config.bin %> node status --json'];

  async run(): Promise<Told> {
    await this.parse(NodeStatus);
    await using session = this.openSession();
    const agent = await (await session.runningAgent())?.call('status', {});
    const told: Told = {
      resident: isResident(session.paths.state),
      installed: hasUnit(session),
      running: agent !== undefined,
      ...(agent?.pid !== undefined && { pid: agent.pid }),
      ...(agent?.peers && { peers: agent.peers }),
    };
    this.print(
      facts([
        ['kept running', told.resident ? 'yes' : 'no: pyrsia node start keeps it'],
        ['with the machine', told.installed ? 'yes' : 'no: pyrsia node install does that'],
        ['agent', told.running ? `running, pid ${told.pid}` : 'not running'],
        ...(told.peers ? peerFacts(told.peers) : []),
      ]),
    );
    return told;
  }
}
