/**
 * Ending agents for good: those of all network namespaces, also one that no longer answers.
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentClient } from './connection.ts';
import { openConnection } from './connection.ts';
import { isPrivate } from './directory.ts';
import { PROTOCOL } from './protocol.ts';

/** How long an agent that is to end may take before it is killed: 10 s. */
const PATIENCE_MS = 10_000;

/** How long a killed process may take to be gone. */
const DYING_MS = 5000;

/** How often it is looked again. */
const LOOK_EVERY_MS = 20;

/** An agent that runs, is just starting or ending, or hangs. */
export interface LivingAgent {
  /** Where it lives. */
  readonly directory: string;
  /** None where only the agent itself could tell, and does not. */
  readonly pids: readonly number[];
  /** How many launches it serves; undefined when it does not say. */
  readonly launches?: number;
}

/** How an agent ended. `left`: it is still there. */
export type End = 'ended' | 'killed' | 'left';

/** The agents of the runtime directory and of those in it. In a directory that is not ours alone there is none of ours. */
export async function livingAgents(runtime: string): Promise<LivingAgent[]> {
  const found = await Promise.all(directoriesIn(runtime).map(look));
  return found.filter((agent) => agent !== undefined);
}

async function look(directory: string): Promise<LivingAgent | undefined> {
  const pids = processesIn(directory);
  const client = await connection(directory);
  if (client === 'silent') return { directory, pids };
  if (!client) return pids.length > 0 ? { directory, pids } : undefined;

  const { pid, protocol } = client.hello;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const status = protocol === PROTOCOL ? client.call('status', {}, { signal }) : undefined;
  const launches = await status?.then(
    (answer) => answer.launches,
    () => undefined,
  );
  await client[Symbol.asyncDispose]();
  return {
    directory,
    pids: pids.length > 0 ? pids : [pid],
    ...(launches !== undefined && { launches }),
  };
}

/** Ends the agent in `directory` and waits until its process is gone. It is killed when it takes longer than `patienceMs`. */
export async function endAgent(directory: string, patienceMs = PATIENCE_MS): Promise<End> {
  const deadline = Date.now() + patienceMs;
  let end: End = 'ended';
  for (;;) {
    const answer = await ask(directory, deadline);
    const pids = processesIn(directory);
    if (answer === 'none' && pids.length === 0) return end;
    const late = Date.now() - deadline;
    if (late >= (pids.length > 0 ? DYING_MS : 0)) return 'left';
    if (late >= 0) {
      pids.forEach(kill);
      end = 'killed';
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Asks the agent to end, and waits until it has gone or `deadline` has come. */
async function ask(directory: string, deadline: number): Promise<'none' | 'gone' | 'silent'> {
  const client = await connection(directory);
  if (client === 'silent') return 'silent';
  if (!client) return 'none';
  let answer: 'gone' | 'silent' = 'gone';
  const giveUp = (): void => {
    answer = 'silent';
    void client[Symbol.asyncDispose]();
  };
  const patience = setTimeout(giveUp, Math.max(0, deadline - Date.now()));
  await client.call('stop', { whenIdle: false }).catch(() => undefined);
  await client.closed;
  clearTimeout(patience);
  return answer;
}

async function connection(directory: string): Promise<AgentClient | 'silent' | undefined> {
  return openConnection(directory).catch(() => 'silent' as const);
}

function directoriesIn(runtime: string): string[] {
  try {
    if (!isPrivate(runtime)) return [];
    const others = readdirSync(runtime).filter((name) => /^net-\d+$/.test(name));
    return [runtime, ...others.map((name) => join(runtime, name))];
  } catch {
    return [];
  }
}

/**
 * The processes of this user that were started as the agent of `directory`. One in a container may call another
 * directory by the same name, so it has to see the files that we see. None where there is no /proc.
 */
function processesIn(directory: string): number[] {
  const pids =
    attempt(() => readdirSync('/proc'))
      ?.map(Number)
      .filter(Number.isSafeInteger) ?? [];
  return pids.filter((pid) =>
    attempt(() => {
      const [program, lives] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(-3);
      if (lives !== directory || !/^agent\b/.test(basename(program ?? ''))) return false;
      return statSync(`/proc/${pid}`).uid === process.getuid?.() && seesOurFiles(pid, directory);
    }),
  );
}

function seesOurFiles(pid: number, directory: string): boolean {
  if (readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt')) return true;
  const [theirs, ours] = [statSync(`/proc/${pid}/root${directory}`), statSync(directory)];
  return theirs.ino === ours.ino && theirs.dev === ours.dev;
}

function kill(pid: number): void {
  attempt(() => process.kill(pid, 'SIGKILL'));
}

/** What `work` returns; undefined when the process it looks at has just gone, or is none of ours. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
