/**
 * Names that others chose, on somebody's terminal.
 *
 * @module
 */

/** `text` without control characters, line ends and tabs excepted. */
export function harmless(text: string): string {
  // Nearly all text is plain, and the look for that is cheap.
  if (!/[^\n\t -~]/.test(text)) return text;
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '\u{FFFD}');
}

/** `text` as we say it on stderr: each line as `pyrsia: …`, and no name in it steers the terminal. */
export function linesOf(text: string): string {
  return harmless(text).replaceAll(/^(?!pyrsia: )/gm, 'pyrsia: ');
}
