/**
 * Which files a user's shell reads when it starts.
 *
 * @see https://www.gnu.org/software/bash/manual/html_node/Bash-Startup-Files.html
 * @see https://zsh.sourceforge.io/Doc/Release/Files.html
 * @see https://fishshell.com/docs/current/language.html#configuration-files
 * @module
 */
import { isAbsolute, posix, win32 } from 'node:path';
import { type Shell, SHELLS, type Syntax, syntaxOf } from './shells.ts';

/** What decides which files are read. */
export interface Home {
  readonly platform: NodeJS.Platform;
  /** The user's home directory. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** What zsh says its ZDOTDIR is, and PowerShell its profile, where they could be asked. */
  readonly told: Readonly<Partial<Record<Shell, string>>>;
  readonly exists: (path: string) => boolean;
}

/** A file that a shell reads. */
export interface RcFile {
  readonly path: string;
  readonly syntax: Syntax;
}

/** Of the files that bash looks for when somebody logs in, it reads the first that is there and no other. */
const BASH_LOGIN = ['.bash_profile', '.bash_login', '.profile'];

const filesOf: Readonly<Record<Shell, (home: Home) => readonly (string | undefined)[]>> = {
  bash: (home) => {
    const login = BASH_LOGIN.map((name) => inHome(home, name)).find(home.exists);
    // Where there is none, a new .bash_profile would hide a .profile that comes later.
    return [inHome(home, '.bashrc'), login ?? inHome(home, '.profile'), home.env['BASH_ENV']];
  },
  // Not .zshenv: after that, macOS puts its own directories first.
  zsh: (home) => ['.zshrc', '.zprofile'].map((name) => posix.join(zshDirectory(home), name)),
  // Not conf.d: config.fish is read after it, and that is where people put other directories first.
  fish: (home) => [posix.join(configuration(home), 'fish', 'config.fish')],
  sh: (home) => [inHome(home, '.profile'), home.env['ENV']],
  dash: (home) => filesOf.sh(home),
  ash: (home) => filesOf.sh(home),
  ksh: (home) => [inHome(home, '.profile'), home.env['ENV'] ?? inHome(home, '.kshrc')],
  mksh: (home) => [inHome(home, '.profile'), home.env['ENV'] ?? inHome(home, '.mkshrc')],
  powershell: profiles,
};

/**
 * The files that a new `shell` of this user reads, be it for typing on a terminal or for logging in. One that
 * does not exist may be made: it hides no other.
 */
export function rcFiles(shell: Shell, home: Home): readonly RcFile[] {
  const syntax = syntaxOf(shell);
  return filesOf[shell](home)
    .filter((path) => path !== undefined && (isAbsolute(path) || win32.isAbsolute(path)))
    .map((path) => ({ path: path!, syntax }));
}

/** Every file that a shell of this user reads, or may have read at another time. */
export function allRcFiles(home: Home): readonly RcFile[] {
  const now = SHELLS.flatMap((shell) => rcFiles(shell, home));
  const formerly = [...BASH_LOGIN, '.zshrc', '.zprofile'].map((name) => inHome(home, name));
  const all = [...now, ...formerly.map((path) => ({ path, syntax: 'posix' as const }))];
  return [...new Map(all.toReversed().map((file) => [file.path, file])).values()].toReversed();
}

function inHome({ directory }: Home, name: string): string {
  return posix.join(directory, name);
}

function zshDirectory({ told, env, directory }: Home): string {
  return told.zsh || env['ZDOTDIR'] || directory;
}

function configuration(home: Home): string {
  const { XDG_CONFIG_HOME = '' } = home.env;
  return isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : inHome(home, '.config');
}

/** Those for all hosts of PowerShell. Windows has two PowerShells, each with a file of its own. */
function profiles(home: Home): readonly string[] {
  if (home.told.powershell) return [home.told.powershell];
  if (home.platform !== 'win32') return [posix.join(configuration(home), 'powershell', 'profile.ps1')];
  return ['PowerShell', 'WindowsPowerShell'].map((name) =>
    win32.join(home.directory, 'Documents', name, 'profile.ps1'),
  );
}
