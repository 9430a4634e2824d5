/**
 * Who the user's shell is, and what only shells themselves know.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { homeOf } from '../paths.ts';
import { findTool } from './find-tool.ts';
import type { Home } from './rc-files.ts';
import type { Shell } from './shells.ts';

/** How long a shell may take to answer: 3 s. */
const ANSWER_MS = 3000;

/** The shell that the user logs in with, by its path or name; `sh` when nobody says, or it is none. */
export function loginShell(env: NodeJS.ProcessEnv, platform = process.platform): string {
  const shell = env['SHELL'] || (platform === 'win32' ? 'powershell' : (registeredShell() ?? 'sh'));
  return /\/(nologin|false)$/.test(shell) ? 'sh' : shell;
}

function registeredShell(): string | undefined {
  try {
    return userInfo().shell ?? undefined;
  } catch {
    return undefined; // A container's user need not have an entry anywhere.
  }
}

/** The home of whoever has this environment. Starts `shells` where only they know which files they read. */
export function openHome(
  env: NodeJS.ProcessEnv,
  shells: readonly Shell[],
  platform: NodeJS.Platform = process.platform,
): Home {
  // Its .zshenv may have moved all other files, and need not have exported that.
  const zsh = shells.includes('zsh') ? answer('zsh', ['-c', 'printf "\\n%s" "${ZDOTDIR-}"'], env) : undefined;
  const profile = ['-NoProfile', '-NonInteractive', '-Command', '$PROFILE.CurrentUserAllHosts'];
  // The documents it lies among may have been moved to a server or a cloud.
  const powershell =
    platform === 'win32' && shells.includes('powershell') ? answer('powershell', profile, env) : undefined;
  return {
    platform,
    directory: homeOf(env),
    env,
    told: { ...(zsh && { zsh }), ...(powershell && { powershell }) },
    exists: existsSync,
  };
}

/** The last line that a program says on its stdout; undefined when there is no such program, or it fails. */
function answer(program: string, args: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const found = findTool(program, env['PATH'], env['PATHEXT'] ? { endings: env['PATHEXT'] } : {});
  if (found === undefined) return undefined;
  const { status, stdout } = spawnSync(found, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: ANSWER_MS,
    killSignal: 'SIGKILL',
  });
  return status === 0 ? stdout.trimEnd().split(/\r?\n/).at(-1) : undefined;
}
