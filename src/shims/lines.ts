/**
 * Lines of files that are somebody else's, as latin1: any bytes, with any line ends, all of which are kept.
 *
 * @module
 */

/** The lines of a text, each with its end. */
export function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A line without its end, which an editor may have changed. */
export function bare(line: string): string {
  return line.replace(/\r?\n$/, '');
}

/** Text as its bytes in UTF-8, one character each. */
export function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
