/**
 * Talking to a person: on stderr, so that stdout holds data only.
 *
 * @module
 */

import { harmless, linesOf } from '../content/harmless.ts';

export { harmless, linesOf };

/** Writes lines on stderr, each as `pyrsia: …`. Names that others chose cannot steer the terminal. */
export function say(text: string): void {
  process.stderr.write(`${linesOf(text)}\n`);
}

/** Whether text for `stream` may be coloured: on a terminal, unless somebody objects; elsewhere if FORCE_COLOR asks. */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced) return forced !== '0' && forced !== 'false';
  return isLively(stream, env);
}

/** Whether `stream` is a terminal on which a line may be written over. */
export function isLively(
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb' && !env['CI'] && !env['NO_COLOR'];
}

/** Lines on a terminal that tell how far each of several things is that go on at once. */
export interface Progress extends Disposable {
  /**
   * Shows `text` for `what`, in place of what was there; undefined when it is done. At most ten times a second, the last
   * one too. Nothing where nobody watches.
   */
  show(what: string, text: string | undefined): void;
  /** Leaves `text` for `what` standing above the lines that change; where nobody watches, as a line of its own. */
  done(what: string, text: string): void;
}

/** The most lines that are shown at once. */
const LINES_LIMIT = 10;

/** How long what is shown stands before it changes: 100 ms. */
const PACE_MS = 100;

/** Starts progress on stderr; its lines are gone when disposed of. */
export function startProgress(): Progress {
  const lively = isLively(process.stderr);
  const texts = new Map<string, string>();
  let shown = 0;
  let shownAt = 0;
  let later: NodeJS.Timeout | undefined;
  const draw = (lines: readonly string[]): void => {
    const width = (process.stderr.columns || 80) - 1;
    // The cursor stays in the last line, so that a single one leaves nothing behind.
    const cleared = `\r\u001B[K${'\u001B[A\u001B[K'.repeat(Math.max(0, shown - 1))}`;
    process.stderr.write(cleared + lines.map((line) => harmless(line).slice(0, width)).join('\n'));
    shown = lines.length;
    shownAt = Date.now();
    clearTimeout(later);
    later = undefined;
  };
  const drawAll = (): void => draw([...texts.values()].slice(0, LINES_LIMIT));
  return {
    show(what, text) {
      if (text === undefined) texts.delete(what);
      else texts.set(what, text);
      if (!lively) return;
      const wait = shownAt + PACE_MS - Date.now();
      if (wait <= 0) drawAll();
      else later ??= setTimeout(drawAll, wait).unref();
    },
    done(what, text) {
      texts.delete(what);
      if (!lively) return say(text);
      draw([]);
      process.stderr.write(`${harmless(text)}\n`);
      drawAll();
    },
    [Symbol.dispose]() {
      clearTimeout(later);
      if (shown > 0) draw([]);
    },
  };
}

/**
 * Asks on the terminal; anything but y or yes is a no, the end of input included. False where there is nobody to
 * ask. Ctrl-C ends the process, as it does at any other time.
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const { createInterface } = await import('node:readline');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string | undefined>((resolve) => {
    prompt.once('SIGINT', () => {
      prompt.close();
      process.kill(process.pid, 'SIGINT');
    });
    prompt.once('close', () => resolve(undefined));
    prompt.question(`${harmless(question)} [y/N] `, (typed) => resolve(typed));
  });
  prompt.close();
  if (answer === undefined) process.stderr.write('\n');
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}
