/**
 * Which agents there are, without starting one.
 *
 * @module
 */
import { openConnection } from '../control/connection.ts';
import { isPrivate, namespaceDirectory, networkNamespace, socketPath } from '../control/directory.ts';
import type { AgentStatus, Hello } from '../control/protocol.ts';
import { processes, textOf } from './processes.ts';

/** How long an agent that has greeted may take to say how it is, in milliseconds. */
const STATUS_MS = 2_000;

/** What was met in a directory where an agent may live. */
export type AgentSeen =
  | { readonly kind: 'absent'; readonly directory: string }
  | {
      readonly kind: 'silent';
      readonly directory: string;
      readonly pid: number | undefined;
      readonly reason: string;
    }
  | {
      readonly kind: 'running';
      readonly directory: string;
      readonly hello: Hello;
      /** Undefined for one that speaks another protocol. */ readonly status: AgentStatus | undefined;
    };

/** The agents of a runtime directory. */
export interface AgentsSeen {
  /** The one that may write the cache. Undefined when the directory is not safe, or its path too long. */
  readonly first: AgentSeen | undefined;
  /** The one that serves us: `first`, or another beside it in our network namespace; undefined when none runs. */
  readonly ours: Extract<AgentSeen, { kind: 'running' }> | undefined;
  /** Our network namespace, where the system has such. */
  readonly net: string | undefined;
}

/** Looks into the runtime directory. Never rejects because of what it finds there. */
export async function agentsSeen(runtime: string, signal: AbortSignal): Promise<AgentsSeen> {
  const net = networkNamespace();
  const first = await seenIn(runtime, signal);
  if (first?.kind === 'running' && (net === undefined || (first.hello.net ?? net) === net))
    return { first, ours: first, net };
  const beside = net === undefined ? undefined : await seenIn(namespaceDirectory(runtime, net), signal);
  return { first, ours: beside?.kind === 'running' ? beside : undefined, net };
}

async function seenIn(directory: string, signal: AbortSignal): Promise<AgentSeen | undefined> {
  try {
    if (!isPrivate(directory)) return { kind: 'absent', directory };
    socketPath(directory);
  } catch {
    return undefined; // What is wrong with the directory is another check's.
  }
  const connected = (): ReturnType<typeof openConnection> => openConnection(directory);
  try {
    // Twice: on a machine that is very busy one second may be too little.
    await using agent = await connected().catch(connected);
    if (!agent) return { kind: 'absent', directory };
    const { hello } = agent;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(STATUS_MS)]);
    const status = await agent.call('status', {}, { signal: patience }).catch((error: unknown) => {
      if (patience.aborted) throw error;
      return undefined;
    });
    return { kind: 'running', directory, hello, status };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'silent', directory, pid: agentProcess(directory), reason };
  }
}

/** The process that was started as the agent of `directory`; undefined when it cannot be told. */
export function agentProcess(directory: string): number | undefined {
  return processes().find((pid) => {
    const [program = '', home] = textOf(`/proc/${pid}/cmdline`).split('\0').slice(-3);
    return home === directory && /[/\\]agent\.c?[jt]s$/.test(program);
  });
}
