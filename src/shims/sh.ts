/**
 * Pieces of sh that are put together here.
 *
 * @module
 */
import { basename } from 'node:path';

/** `text` as one word of sh, whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same without quotes where it needs none: as somebody would type it who is told to. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

/**
 * What stands between the interpreter's name and `-c` so that it reads nothing before the script. bash else reads
 * `$BASH_ENV` and takes functions out of the environment, which would then stand where we call a builtin; and
 * with a socket for its stdin, or below sshd, it reads ~/.bashrc, which may say something.
 */
export function plainly(interpreter: string): readonly string[] {
  return isBash(interpreter) ? ['--norc', '-p'] : [];
}

/** Whether it is bash, which keeps variables whose names are no identifiers. */
export function isBash(interpreter: string): boolean {
  return basename(interpreter) === 'bash';
}
