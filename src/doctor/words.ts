/**
 * Words of a command line, as one would type them.
 *
 * @module
 */

/** `text` as one word of a POSIX shell's command line. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
