/**
 * A terminal for a test: what runs on it cannot tell it from one that a person sits at.
 *
 * @module
 */
import { constants } from 'node:os';
import { spawn } from '@lydell/node-pty';
import type { Command } from './command.ts';

/** How a terminal is opened. */
export interface TerminalOptions {
  readonly cwd?: string;
  /** The whole environment; `TERM` is added. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: 80. */
  readonly columns?: number;
  /** Default: 24. */
  readonly rows?: number;
  /** How long anything may take that is waited for. Default: 40 s. */
  readonly patienceMs?: number;
}

/** How what runs on a terminal ended. */
export interface TerminalEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An open terminal. Closing it hangs up and kills the program. */
export interface Terminal extends AsyncDisposable {
  /** Of the program, which leads the terminal's session. */
  readonly pid: number;
  /** All that was shown so far, what was typed included; lines end in `\n`. */
  readonly screen: string;
  /**
   * Resolves with what was shown since the last match, up to the end of this one. Rejects, showing the screen,
   * when the program has ended without it or patience has.
   */
  says(text: string | RegExp): Promise<string>;
  /** Types. `\r` is the Enter key, `\x03` Ctrl-C. */
  write(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Sends a signal to the program alone. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when the program has ended and all that it said is on the screen. Rejects when patience ends. */
  ends(): Promise<TerminalEnd>;
}

/** Runs `command` on a terminal of its own. */
export function openTerminal([program, ...args]: Command, options: TerminalOptions = {}): Terminal {
  const { cwd, env = {}, columns: cols = 80, rows = 24, patienceMs = 40_000 } = options;
  const pty = spawn(program, args, { cols, rows, env: { ...env }, ...(cwd !== undefined && { cwd }) });
  let raw = '';
  let matched = 0;
  let end: TerminalEnd | undefined;
  const watchers = new Set<() => void>();
  pty.onData((data) => {
    raw += data;
    watchers.forEach((look) => look());
  });
  pty.onExit(({ exitCode, signal }) => {
    end = signal ? { code: null, signal: nameOf(signal) } : { code: exitCode, signal: null };
    watchers.forEach((look) => look());
  });

  const screen = (): string => raw.replaceAll('\r\n', '\n');
  const waitFor = <T>(what: string, seen: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        stop();
        reject(new Error(`Waited for ${what}, but ${why}. On the screen:\n${visible(screen())}`));
      };
      const timer = setTimeout(() => fail(`not within ${patienceMs} ms`), patienceMs);
      const stop = (): void => {
        clearTimeout(timer);
        watchers.delete(look);
      };
      const look = (): void => {
        const found = seen();
        if (found !== undefined) {
          stop();
          resolve(found);
        } else if (end) fail(`the program ended with ${end.signal ?? `code ${end.code}`}`);
      };
      watchers.add(look);
      look();
    });

  return {
    pid: pty.pid,
    get screen() {
      return screen();
    },
    says: (text) =>
      waitFor(typeof text === 'string' ? JSON.stringify(text) : String(text), () => {
        const fresh = screen().slice(matched);
        const length = lengthUpTo(fresh, text);
        if (length === undefined) return undefined;
        matched += length;
        return fresh.slice(0, length);
      }),
    write: (keys) => pty.write(keys),
    resize: (columns, lines) => pty.resize(columns, lines),
    signal: (name) => process.kill(pty.pid, name),
    ends: () => waitFor('its end', () => end),
    async [Symbol.asyncDispose]() {
      if (end) return;
      pty.kill('SIGKILL');
      await waitFor('its end', () => end);
    },
  };
}

/** How long the beginning of `shown` is that ends with the first `text`; undefined when it is not there. */
function lengthUpTo(shown: string, text: string | RegExp): number | undefined {
  if (typeof text === 'string') {
    const at = shown.indexOf(text);
    return at < 0 ? undefined : at + text.length;
  }
  const match = text.exec(shown);
  return match ? match.index + match[0].length : undefined;
}

function nameOf(number: number): NodeJS.Signals {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return names.find(([, value]) => value === number)![0];
}

/** Control characters would be obeyed by the terminal that shows the failure. */
function visible(text: string): string {
  return text.replaceAll(
    /[^\P{Cc}\n\t]/gu,
    (character) => String.raw`\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`,
  );
}
