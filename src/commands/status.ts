import type { CacheSize } from '../cache/cache.ts';
import { formatLimits, peerFacts } from '../command/peer-talk.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { shimmable } from '../command/shim-command.ts';
import { facts } from '../command/table.ts';
import type { ShareMode } from '../config/settings.ts';
import { formatBytes } from '../content/format.ts';
import type { AgentStatus } from '../control/protocol.ts';
import { isPyrsiaError } from '../errors.ts';
import type { Paths } from '../paths.ts';
import type { Session } from '../session.ts';
import { shimPlace } from '../shims/shim-files.ts';
import { isThere, type ShimState, shimStates } from '../shims/shim-states.ts';
import type { Policy } from '../verify/expect.ts';

/** How things stand for a command in this directory. */
export interface Status {
  readonly version: string;
  /** Whether fetching goes through us here. */
  readonly enabled: boolean;
  readonly policy: Policy;
  readonly agent: AgentStatus & {
    /** Why one that is there tells nothing. */
    readonly silent?: string;
  };
  /** What is chosen here, whether an agent runs or not. */
  readonly share: {
    readonly peers: 'on' | 'off';
    readonly mode: ShareMode;
    /** In bytes per second; absent: unlimited. */
    readonly up?: number;
    readonly down?: number;
  };
  readonly shims: readonly Pick<ShimState, 'tool' | 'state'>[];
  readonly cache: CacheSize;
  readonly paths: Paths;
  /** What is wrong with the configuration. */
  readonly problems: readonly string[];
}

export default class StatusCommand extends PyrsiaCommand {
  static override summary = 'Show how things stand: shims, agent, peers, cache, policy, paths';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];

  async run(): Promise<Status> {
    await this.parse(StatusCommand);
    await using session = this.openSession();
    const { version, paths, config, env, cwd } = session;
    const tools = shimmable.map(({ executable }) => executable);

    const status: Status = {
      version,
      enabled: config.enabled,
      policy: config.values.policy,
      agent: await agentOf(session),
      share: {
        peers: config.values.peers,
        mode: config.values.share,
        ...(config.values['share.up'] !== 'unlimited' && { up: config.values['share.up'] }),
        ...(config.values['share.down'] !== 'unlimited' && { down: config.values['share.down'] }),
      },
      shims: shimStates(tools, shimPlace(paths, env, cwd, this.config.root))
        .filter(isThere)
        .map(({ tool, state }) => ({ tool, state })),
      cache: (await session.cache()).size(),
      paths,
      problems: config.problems,
    };
    this.print(told(status));
    if (!this.jsonEnabled()) status.problems.forEach((problem) => this.say(problem));
    return status;
  }
}

/** One that does not answer keeps nobody from being told the rest. */
async function agentOf(session: Session): Promise<Status['agent']> {
  try {
    return (await (await session.runningAgent())?.call('status', {})) ?? { running: false };
  } catch (error) {
    if (!isPyrsiaError(error, 'AGENT_UNAVAILABLE')) throw error;
    return { running: true, silent: error.details.reason };
  }
}

function told({ version, enabled, policy, agent, share, shims, cache, paths }: Status): string {
  return facts([
    ['version', version],
    ['here', enabled ? 'on' : 'switched off'],
    ['policy', policy],
    ['shims', shims.map(({ tool, state }) => `${tool} ${state}`).join(', ')],
    ['agent', standing(agent)],
    ...Object.entries(agent.ports ?? {}).map(([upstream, port]) => ['port', `${port}  ${upstream}`] as const),
    ...peersOf(agent, share),
    ['not stored', agent.readOnly],
    ['cache', `${cache.artifacts} artifacts, ${formatBytes(cache.diskBytes)} of ${formatBytes(cache.limit)}`],
    ...Object.entries(paths).map(([name, path]) => [`${name} in`, String(path)] as const),
  ]);
}

/** What an agent tells of other computers; where none runs, what is chosen. */
function peersOf({ peers }: Status['agent'], share: Status['share']): ReturnType<typeof peerFacts> {
  if (peers) return peerFacts(peers);
  const { mode, up, down } = share;
  return [['sharing', share.peers === 'off' ? 'peers are off' : `${mode}; ${formatLimits(up, down)}`]];
}

function standing({ running, silent, pid, launches = 0 }: Status['agent']): string {
  if (silent !== undefined) return `cannot be reached: ${silent} (pyrsia doctor)`;
  return running
    ? `running, pid ${pid}, ${launches} ${launches === 1 ? 'launch' : 'launches'}`
    : 'not running';
}
