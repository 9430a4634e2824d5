/**
 * Runs a tool as if we were not there: its terminal, its signals, its end.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';

/** How a tool ended: by itself with a code, or by a signal. */
export interface ToolResult {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  /** Why it could not be started (code 126 or 127, as a shell has them). */
  readonly error?: string;
}

/** Where and how a tool runs. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Default: ours. */
  readonly cwd?: string;
  /** Where its stdout goes; ours, unless that is needed for something else. */
  readonly stdout?: 'inherit' | 'stderr';
}

/** Sent to us alone, these are meant for the tool. Stopping and waking us is left to the system. */
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

/** A terminal sends these to the tool as well, which decides whether to end; we live to see it. */
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const;

/**
 * Runs `executable` on our own stdin, stdout and stderr and resolves when it has ended. Never rejects.
 *
 * What ends or wakes this process reaches the tool instead, and interrupts do unless a terminal does that.
 * Nothing here should read stdin meanwhile.
 */
export async function runTool(
  executable: string,
  args: readonly string[],
  { env, cwd, stdout = 'inherit' }: RunOptions,
): Promise<ToolResult> {
  const start = process.platform === 'win32' ? (await import('cross-spawn')).default : spawn;
  const terminal = hasTerminal();
  let child: ChildProcess | undefined;
  const pass = (signal: NodeJS.Signals): void => void child?.kill(signal);
  for (const signal of passedOn) process.on(signal, pass);
  for (const signal of fromTerminal) process.on(signal, terminal ? ignore : pass);

  try {
    return await new Promise<ToolResult>((resolve) => {
      const started = start(executable, args, {
        stdio: ['inherit', stdout === 'stderr' ? 2 : 'inherit', 'inherit'],
        env,
        ...(cwd !== undefined && { cwd }),
      });
      child = started;
      started.on('error', (error: NodeJS.ErrnoException) => {
        // A signal that may not be passed on (to sudo) is an error, too, but not the tool's end.
        if (started.pid === undefined)
          resolve({ code: error.code === 'ENOENT' ? 127 : 126, error: reasonOf(error) });
      });
      started.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 1 }));
    });
  } catch (error) {
    return { code: 126, error: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const signal of passedOn) process.off(signal, pass);
    for (const signal of fromTerminal) process.off(signal, terminal ? ignore : pass);
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === 'EACCES' ? 'may not be executed' : message;
}

/** Ends this process as the tool has ended, so that whoever called us cannot tell the difference. */
export function endAs({ code = 1, signal }: ToolResult): never {
  if (signal === undefined) process.exit(code);
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP') {
    // Node ignores SIGPIPE; taking the last listener away restores the system's own way for any signal.
    process.removeAllListeners(signal).on(signal, ignore).off(signal, ignore);
  }
  process.kill(process.pid, signal);
  // The first process of a container is not killed by its own signals.
  process.exit(128 + constants.signals[signal]);
}

function ignore(): void {}

/** Whether there is a terminal that could send signals to us and the tool alike. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
