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

/** One line on a terminal that tells how far something is. */
export interface Progress extends Disposable {
  /** Shows `text` in place of what was there; at most ten times a second. Nothing where nobody watches. */
  show(text: string): void;
}

/** Starts a line of progress on stderr; it is gone when disposed of. */
export function startProgress(): Progress {
  const lively = isLively(process.stderr);
  let shownAt = 0;
  return {
    show(text) {
      if (!lively || Date.now() - shownAt < 100) return;
      shownAt = Date.now();
      const width = (process.stderr.columns || 80) - 1;
      process.stderr.write(`\r\u001B[K${harmless(text).slice(0, width)}`);
    },
    [Symbol.dispose]() {
      if (shownAt > 0) process.stderr.write('\r\u001B[K');
      shownAt = 0;
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
