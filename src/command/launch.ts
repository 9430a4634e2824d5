/**
 * Telling the agent of a launch, and hearing from it how the tool is to be started.
 *
 * @module
 */
import { resolve } from 'node:path';
import type { AgentClient } from '../control/connection.ts';
import type { LaunchAnswer } from '../control/protocol.ts';
import { PyrsiaError } from '../errors.ts';
import { writeLaunch } from '../shims/launch.ts';
import { removeLaunch } from '../shims/launches.ts';

/** What is started, by this process or in its place. */
export interface LaunchedTool {
  /** As the user calls it: `npm`. */
  readonly tool: string;
  /** Absolute path of the real tool. */
  readonly executable: string;
  readonly args: readonly string[];
  /** As the user had it. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Whether the agent keeps the launch's receipt in a file, for whoever waits for the tool. */
  readonly receipt?: boolean;
  /** The process that it is, where that is not this one. */
  readonly pid?: number;
}

/** A launch that the agent knows of. */
export interface Launched {
  readonly agent: AgentClient;
  readonly id: string;
  readonly name: string;
  readonly answer: LaunchAnswer;
}

/**
 * Launches `started` with the agent. It ends with our connection to it, or if it `stays`, with its process.
 *
 * Rejects with what the agent says, or with `AGENT_UNAVAILABLE` when it says nothing within `timeoutMs`; no
 * launch is left behind then.
 */
export async function launch(
  agent: AgentClient,
  started: LaunchedTool,
  { timeoutMs, stays = false }: { readonly timeoutMs: number; readonly stays?: boolean },
): Promise<Launched> {
  const { env, cwd } = started;
  const report = env['PYRSIA_REPORT'];
  const signal = AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)));
  const { id, name } = writeLaunch(agent.directory, {
    ...started,
    env: { ...env, ...(report && { PYRSIA_REPORT: resolve(cwd, report) }) },
    pid: started.pid ?? process.pid,
  });
  try {
    const answer = await agent.call('launch', { id, ...(stays && { stays }) }, { signal });
    return { agent, id, name, answer };
  } catch (error) {
    removeLaunch(agent.directory, { id, name });
    if (!signal.aborted) throw error;
    throw new PyrsiaError('AGENT_UNAVAILABLE', { reason: 'it does not answer' }, { cause: error });
  }
}
