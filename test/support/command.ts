/**
 * Real programs, run for a test: in a process group of their own, so that none outlives it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** How a command is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** What is undefined is not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads from its standard input. Default: nothing. */
  readonly input?: string;
  /** Kills it, and rejects, after so long. Default: a minute. */
  readonly timeoutMs?: number;
  /** Aborting kills it. */
  readonly signal?: AbortSignal;
}

/** How a command ended. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A command that runs. */
export interface Running {
  readonly pid: number;
  /** Resolves when it has ended and nobody holds its output any more, with whatever exit code. */
  readonly result: Promise<Finished>;
  /** Sends a signal (default SIGKILL) to the command and the children in its group; to nobody if they are gone. */
  kill(signal?: NodeJS.Signals): void;
}

/** Starts `command`. Throws when there is no such program. */
export function start([program, ...args]: Command, options: RunOptions = {}): Running {
  const { cwd, env = {}, input = '', timeoutMs = 60_000, signal } = options;
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: 'pipe' });
  const { pid } = child;
  if (pid === undefined) {
    child.on('error', () => {});
    throw new Error(`Cannot start ${program}`);
  }

  const kill = (how: NodeJS.Signals = 'SIGKILL'): void => {
    try {
      process.kill(-pid, how);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, timeoutMs);
  const abort = (): void => kill();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) kill();

  child.stdin.on('error', () => {}); // it need not read its input
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const { promise: ended, resolve } = Promise.withResolvers<Pick<Finished, 'code' | 'signal'>>();
  child.once('close', (code, by) => resolve({ code, signal: by }));

  const finish = async (): Promise<Finished> => {
    const end = await ended;
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    const [stdout, stderr] = await output;
    if (late)
      throw new Error(
        `Still running after ${timeoutMs} ms: ${program} ${args.join(' ')}\n${stdout}\n${stderr}`,
      );
    return { ...end, stdout, stderr, ms: performance.now() - startedAt };
  };
  const result = finish();
  result.catch(() => {}); // whoever kills a command need not await it
  return { pid, result, kill };
}
