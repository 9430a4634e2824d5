/**
 * Where launches come in. Each is opened once, whoever speaks of it first: the command that asks how to start
 * its tool, the file that appears, or a request of the tool itself; all others wait for the same.
 *
 * @module
 */
import type { LaunchAnswer } from '../control/protocol.ts';
import { PyrsiaError } from '../errors.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Launch } from '../shims/launch.ts';
import { type LaunchesParts, launches as openLaunches } from '../shims/launches.ts';
import type { Accounts } from './accounts.ts';
import { answerTo, type Plan, type Session, type SessionParts } from './sessions.ts';

/** The launches of an agent, with their sessions. */
export interface Reception {
  /**
   * Takes up the launch `id`, until `until` aborts or its process is gone, and says how its tool is to be started.
   *
   * @throws PyrsiaError `AGENT_REFUSED` when there is no such launch or it is over, `CONFIG_INVALID`
   */
  answer(id: string, until?: AbortSignal): Promise<LaunchAnswer>;
  /**
   * The session of whoever shows `credential`; undefined for strangers.
   *
   * @throws PyrsiaError when this launch cannot be served
   */
  session(credential: string): Promise<Session | undefined>;
  /** The session of the launch with this public name; undefined when there is none. */
  sessionNamed(name: string): Promise<Session | undefined>;
  /** The launch with this public name, taken up where that was not done yet; undefined when there is none. */
  launchNamed(name: string): Launch | undefined;
  /** Ends a launch and resolves to its receipt, which is `kept` or not. @throws PyrsiaError `AGENT_REFUSED` when there is none */
  end(id: string, kept?: boolean): Promise<Receipt>;
  /** Takes up launches that nobody told of, and ends those whose process is gone. */
  look(): void;
  /** Number of launches that are running. */
  running(): number;
  /** Ends all of them. */
  close(): void;
}

/** What a reception works with. */
export interface ReceptionParts extends Pick<SessionParts, 'pathOf'>, Pick<LaunchesParts, 'isKept'> {
  /** Where launch files lie. */
  readonly directory: string;
  readonly accounts: Accounts;
  /** Finds out how the tool of a launch can be led to us, or why it must not be served. */
  plan(this: void, launch: Launch): Promise<Plan>;
  /**
   * Told of each launch that is led to us, before its tool asks anything; `over` aborts when it ends. A tool that
   * waits for an answer starts when what is returned resolves.
   */
  opened(this: void, launch: Launch, plan: Plan, over: AbortSignal): Promise<void> | undefined;
  /** Told whenever a launch has ended. */
  ended(this: void): void;
  /** Told of each launch whose command was answered, once the answer is on its way. */
  answered(this: void, launch: Launch): void;
  log(this: void, text: string): void;
}

/** Opens the reception of the agent in `directory`. */
export function openReception({
  directory,
  accounts,
  plan,
  pathOf,
  opened: isOpen,
  answered,
  ended,
  isKept,
  log,
}: ReceptionParts): Reception {
  const plans = new Map<string, Promise<Plan>>();
  const ends = new Map<string, AbortController>();
  const starts = new Map<string, Promise<void>>();
  const launches = openLaunches({
    directory,
    onStart: (launch) => void open(launch).catch(() => undefined),
    onEnd({ id }) {
      plans.delete(id);
      starts.delete(id);
      ends.get(id)?.abort();
      ends.delete(id);
      void accounts.close(id);
      ended();
    },
    onRefused: (reason) => log(`Left a launch alone: ${reason}`),
    ...(isKept && { isKept }),
  });

  async function open(launch: Launch): Promise<Plan> {
    let opened = plans.get(launch.id);
    if (!opened) plans.set(launch.id, (opened = openNow(launch)));
    return opened;
  }

  async function openNow(launch: Launch): Promise<Plan> {
    const found = await plan(launch);
    // It may have gone while its tool's configuration was read.
    if (!launches.find(launch.id)) throw refused(`process ${launch.pid} of the launch has ended`);
    accounts.open(launch.id, found.session);
    const over = new AbortController();
    ends.set(launch.id, over);
    await found.begin?.(over.signal);
    const mayStart = isOpen(launch, found, over.signal);
    if (mayStart) starts.set(launch.id, mayStart);
    return found;
  }

  return {
    async answer(id, until) {
      const launch = launches.admit(id, until);
      const found = await open(launch);
      await starts.get(id);
      if (!launches.find(id)) throw refused(`process ${launch.pid} of the launch has ended`);
      const answer = answerTo(launch, found, { pathOf });
      setImmediate(() => answered(launch));
      return answer;
    },
    async session(credential) {
      const launch = launches.find(credential);
      return launch && (await open(launch)).session;
    },
    launchNamed(name) {
      const find = (): Launch | undefined => launches.list().find((each) => each.name === name);
      const found = find();
      if (!found) launches.look();
      return found ?? find();
    },
    async sessionNamed(name) {
      const launch = launches.list().find((each) => each.name === name);
      return launch && (await open(launch)).session;
    },
    async end(id, kept) {
      // First, so that it is us who get the receipt.
      const closed = accounts.close(id, kept);
      launches.end(id);
      const receipt = await closed;
      if (!receipt) throw refused('there is no such launch');
      return receipt;
    },
    look: () => launches.look(),
    running: () => launches.list().length,
    close: () => launches.close(),
  };
}

function refused(reason: string): PyrsiaError<'AGENT_REFUSED'> {
  return new PyrsiaError('AGENT_REFUSED', { reason });
}
