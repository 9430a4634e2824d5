/**
 * Where our files lie: XDG directories on Linux and elsewhere, `%LOCALAPPDATA%` on Windows,
 * `~/Library` on macOS.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 * @module
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Directories of one user, absolute; none of them need exist. */
export interface Paths {
  /** Content, documents and their catalogue: may be deleted at any time. */
  readonly cache: string;
  /** What is kept: ports, the log, the last receipt. */
  readonly state: string;
  /** `config.json` lies here. */
  readonly config: string;
  /** Stand-ins for tools, one file each and nothing else: the directory that is put first on the PATH. */
  readonly shims: string;
  /** Sockets and launch files of this boot. Short, because a socket's path may have about 100 bytes. */
  readonly runtime: string;
}

/**
 * The home directory of whoever has this environment. One that is not absolute would lie in whatever directory
 * a command is started in, and a project could put there what we take for the user's: the system is asked then.
 *
 * @throws the system's error where there is none at all
 */
export function homeOf({ HOME, USERPROFILE }: NodeJS.ProcessEnv): string {
  return [HOME, USERPROFILE].find(isUsable) ?? userInfo().homedir;
}

function isUsable(directory: string | undefined): directory is string {
  return directory !== undefined && isAbsolute(directory);
}

/** Where bin/ keeps compiled code; absolute. */
export function compiledCode(env: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = env;
  const base = [XDG_CACHE_HOME, LOCALAPPDATA].find(isUsable) ?? join(homeOf(env), '.cache');
  return join(base, 'pyrsia-compiled');
}

/**
 * The directories for this environment. Two environments with different state or cache directories have
 * different runtime directories, so each has an agent of its own.
 */
export function pathsOf(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Paths {
  const home = homeOf(env);
  const local = env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
  const absolute = (name: string): string | undefined => (env[name]?.startsWith('/') ? env[name] : undefined);

  const base =
    platform === 'win32'
      ? {
          cache: join(local, 'pyrsia', 'cache'),
          state: join(local, 'pyrsia', 'state'),
          config: join(local, 'pyrsia'),
          shims: join(local, 'pyrsia', 'shims'),
        }
      : platform === 'darwin'
        ? {
            cache: join(absolute('XDG_CACHE_HOME') ?? join(home, 'Library', 'Caches'), 'pyrsia'),
            state: join(absolute('XDG_STATE_HOME') ?? join(home, 'Library', 'Application Support'), 'pyrsia'),
            config: join(absolute('XDG_CONFIG_HOME') ?? join(home, 'Library', 'Preferences'), 'pyrsia'),
            shims: join(
              absolute('XDG_DATA_HOME') ?? join(home, 'Library', 'Application Support'),
              'pyrsia',
              'shims',
            ),
          }
        : {
            cache: join(absolute('XDG_CACHE_HOME') ?? join(home, '.cache'), 'pyrsia'),
            state: join(absolute('XDG_STATE_HOME') ?? join(home, '.local', 'state'), 'pyrsia'),
            config: join(absolute('XDG_CONFIG_HOME') ?? join(home, '.config'), 'pyrsia'),
            shims: join(absolute('XDG_DATA_HOME') ?? join(home, '.local', 'share'), 'pyrsia', 'shims'),
          };

  const which = createHash('sha256').update(`${base.state}\0${base.cache}`).digest('hex').slice(0, 12);
  return { ...base, runtime: join(runtimeBase(), which) };

  function runtimeBase(): string {
    if (platform === 'win32') return join(local, 'pyrsia', 'runtime');
    // Not userInfo(): in a container a user need not have a name.
    const uid = process.getuid?.();
    const perBoot = absolute('XDG_RUNTIME_DIR');
    // After su and sudo it may still name another user's, where root must not leave anything.
    if (perBoot && statSync(perBoot, { throwIfNoEntry: false })?.uid === uid) return join(perBoot, 'pyrsia');
    return join(absolute('TMPDIR') ?? '/tmp', `pyrsia-${uid}`);
  }
}

/**
 * The runtime directories that agents of this state and cache may have: also one whose environment was not that
 * of a session, such as cron's, or the other way round.
 */
export function runtimeDirectories(env: NodeJS.ProcessEnv): string[] {
  const { XDG_RUNTIME_DIR: _, ...outside } = env;
  const { TMPDIR: __, ...bare } = outside;
  const session = { ...env, XDG_RUNTIME_DIR: `/run/user/${process.getuid?.()}` };
  return [...new Set([env, outside, bare, session].map((each) => pathsOf(each).runtime))];
}
