/**
 * Words of a command line, as one would type them.
 *
 * @module
 */
import { quoted } from '../shims/sh.ts';

/** `text` as one word of a POSIX shell's command line, without quotes where it needs none. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}
