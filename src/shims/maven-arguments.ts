/**
 * What of a call of mvn decides which settings and which project it reads.
 *
 * @see https://maven.apache.org/configure.html
 * @module
 */
import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ToolContext } from './settings.ts';

/** What a call says. */
export interface MavenCall {
  /** The pom.xml that is built, whether it is there or not. */
  readonly pom: string;
  /** The user's settings.xml, and that of the installation where the call names one. */
  readonly settings: string;
  readonly globalSettings?: string;
  /** Nobody is asked for anything. */
  readonly offline: boolean;
  /** All of its arguments, wherever they stand. */
  readonly words: readonly string[];
  /** The user's home as Java has it, and the directory with a `.mvn`. */
  readonly home: string;
  readonly root?: string;
}

const OPTIONS: Readonly<Record<string, string>> = {
  '-s': 'settings',
  '--settings': 'settings',
  '-gs': 'global',
  '--global-settings': 'global',
  '-is': 'global',
  '--install-settings': 'global',
  '-f': 'file',
  '--file': 'file',
};

/** Reads a call: its arguments, those in `MAVEN_ARGS`, and those that the project keeps in `.mvn/maven.config`. */
export async function readMavenCall({ cwd, args, env }: ToolContext): Promise<MavenCall> {
  const own = [...args, ...words(env['MAVEN_ARGS'] ?? '')];
  const file = valueOf(own, 'file');
  const named = resolve(cwd, file ?? '.');
  const isFolder = (await stat(named).catch(() => undefined))?.isDirectory() ?? file === undefined;
  const pom = isFolder ? join(named, 'pom.xml') : named;
  const root = await rootOf(dirname(pom));
  const config = root && (await readFile(join(root, '.mvn', 'maven.config'), 'utf8').catch(() => ''));
  const all = [...own, ...words(config ?? '')];
  const settings = valueOf(all, 'settings');
  const global = valueOf(all, 'global');
  const home = javaHome(env);
  return {
    pom,
    words: all,
    home,
    ...(root === undefined ? {} : { root }),
    settings: settings === undefined ? join(home, '.m2', 'settings.xml') : resolve(cwd, settings),
    ...(global === undefined ? {} : { globalSettings: resolve(cwd, global) }),
    offline: all.includes('-o') || all.includes('--offline'),
  };
}

/** The user's home as Java has it: the system's, and not the environment's. */
function javaHome(env: Readonly<Record<string, string>>): string {
  const said = ['MAVEN_OPTS', 'JAVA_TOOL_OPTIONS'].flatMap(
    (name) => /(?:^|\s)-Duser\.home=(\S+)/.exec(env[name] ?? '')?.[1] ?? [],
  );
  return said[0] ?? userInfo().homedir;
}

/** The directory with a `.mvn`, at or above `directory`; undefined when there is none. */
async function rootOf(directory: string): Promise<string | undefined> {
  for (let at = directory; ; at = dirname(at)) {
    if ((await stat(join(at, '.mvn')).catch(() => undefined))?.isDirectory()) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Arguments in a text, one a line or with spaces between them, as Maven reads them. */
function words(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  return lines.flatMap((line) => line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
}

/** The value of an option, the first that is given. */
function valueOf(args: readonly string[], what: string): string | undefined {
  for (const [at, arg] of args.entries()) {
    const [, option = arg, value] = /^(-[^=]*)=(.*)$/s.exec(arg) ?? [];
    if (OPTIONS[option] === what) return value ?? args[at + 1];
    // `-ssettings.xml`, as in a maven.config of old.
    const short = Object.keys(OPTIONS).find(
      (each) => /^-[a-z]$/.test(each) && arg.startsWith(each) && arg.length > 2,
    );
    if (short !== undefined && OPTIONS[short] === what && /^-[sf][^-]*[./]/.test(arg)) return arg.slice(2);
  }
  return undefined;
}
