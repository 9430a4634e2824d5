/**
 * Tests of permissions run as an ordinary user: root may write what is 0444.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import type { Command } from './command.ts';

/** A local user. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** An ordinary user to run as, or why there is none. */
export type Unprivileged =
  | { readonly possible: true; readonly user: User }
  | { readonly possible: false; readonly reason: string };

/** The user who runs the tests, or where that is root, the one named by PYRSIA_TEST_USER. */
export function unprivileged(env: NodeJS.ProcessEnv = process.env): Unprivileged {
  const { username: self, uid, gid } = userInfo();
  if (uid !== 0) return { possible: true, user: { name: self, uid, gid } };
  const name = env['PYRSIA_TEST_USER'];
  if (!name) return { possible: false, reason: 'running as root, and PYRSIA_TEST_USER names nobody' };
  try {
    const user = { name, uid: Number(output(['id', '-u', name])), gid: Number(output(['id', '-g', name])) };
    output(asUser(user, ['true']));
    return user.uid === 0 ? { possible: false, reason: `${name} is root` } : { possible: true, user };
  } catch (error) {
    return { possible: false, reason: `cannot run as ${name}: ${String(error)}` };
  }
}

/** `command` run as `user`, by root or by that user. */
export function asUser({ uid, gid }: User, command: Command): Command {
  if (uid === process.getuid?.()) return command;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...command];
}

function output([program, ...args]: Command): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });
}
