/**
 * npm's configuration as npm itself would read it in another process: with that process's arguments,
 * variables and working directory, and nothing of ours.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/config/README.md
 * @module
 */
import { userInfo } from 'node:os';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import type { SettingsSource, ToolContext } from './settings.ts';

/** One call of npm, and which npm it is. */
export interface NpmContext extends ToolContext {
  /** npm's executable; without it its built-in npmrc is not read. */
  readonly npm?: string;
  /** The Node that runs it, from which npm derives where global things are; ours where it is not known. */
  readonly node?: string;
}

/** Effective settings: arguments before variables before the project's, the user's, the global and the built-in npmrc. */
export interface NpmConfig {
  /** A value by its name in npmrc; undefined when nobody sets it. */
  get(key: string): unknown;
  /** Whether it is the project's own npmrc that sets the value in force. */
  isProjects(this: void, key: string): boolean;
  /** Where the value in force stands: `env`, `project`, `user`, `global`, …; null for no such setting. */
  setBy(this: void, key: string): string | null;
  /** What npm ships as the value of a setting. */
  shipped(key: string): unknown;
  /** Names of everything set or shipped. */
  readonly keys: readonly string[];
  /** Where it was read from besides the project, also where there was nothing. */
  readonly sources: readonly SettingsSource[];
  /** The arguments that are no options: a command, and what it is given. */
  readonly words: readonly string[];
  /** npm's idea of the project's directory: that of the workspace's root, where there is one. */
  readonly project: string;
  /** Reads which npm it is; nothing where that cannot be told. */
  version(this: void): Promise<{ readonly version?: string }>;
}

/** npm's own reader. It is slow to import: who knows that it will be needed can begin early. */
export async function importNpmConfig() {
  const [{ default: Config }, { default: npm }] = await Promise.all([
    import('@npmcli/config'),
    import('@npmcli/config/lib/definitions/index.js'),
  ]);
  return { Config, npm };
}

/** Loads the configuration. @throws PyrsiaError `CONFIG_INVALID` when npm itself would give up on it */
export async function loadNpmConfig(context: NpmContext): Promise<NpmConfig> {
  const { cwd } = context;
  await demandFiles(cwd);
  const { Config, npm } = await importNpmConfig();
  const npmPath = context.npm === undefined ? cwd : dirname(dirname(await real(context.npm)));
  const config = new Config({
    ...npm,
    npmPath,
    // A copy: npm's reader writes into it. Without HOME it would look at our own.
    env: { ...context.env, HOME: context.env['HOME'] || context.env['USERPROFILE'] || userInfo().homedir },
    argv: ['node', 'npm', ...context.args],
    execPath: await real(context.node ?? process.execPath),
    cwd,
  });

  // npm's reader takes relative paths as relative to its own process; here they are to the caller's.
  const { type: path } = Config.typeDefs.path;
  const paths = new Set(Object.keys(config.types).filter((key) => [config.types[key]].flat().includes(path)));
  config.types = Object.fromEntries(
    Object.entries(config.types).map(([key, type]) => [
      key,
      [type].flat().map((each) => (each === path ? String : each)),
    ]),
  );
  const parseField = config.parseField.bind(config);
  config.parseField = (value, key) => {
    const parsed = parseField(value, key);
    if (typeof parsed !== 'string' || !paths.has(key)) return parsed;
    return resolve(cwd, /^~[/\\]/.test(parsed) ? resolve(config.home, parsed.slice(2)) : parsed);
  };
  // npm 11 and earlier take abbreviated options, later ones stop by themselves.
  config.abbrevHandler = () => undefined;

  try {
    await config.load();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError(
      'CONFIG_INVALID',
      { problems: [`npm's configuration: ${problem}`] },
      { cause: error },
    );
  }
  const keys: string[] = [];
  for (const key in config.list[0]) keys.push(key); // inherited ones too
  return {
    get: (key) => config.get(key),
    isProjects: (key) => config.find(key) === 'project',
    setBy: (key) => config.find(key),
    shipped: (key) => npm.definitions[key]?.default,
    keys,
    sources: ['user', 'global', 'builtin'].flatMap((where) => {
      const { source, loadError } = config.data.get(where) ?? {};
      return source ? [{ path: source, exists: loadError?.code !== 'ENOENT' }] : [];
    }),
    words: config.parsedArgv.remain,
    project: config.localPrefix,
    version: async () => (context.npm === undefined ? {} : versionIn(npmPath)),
  };
}

/**
 * What npm reads of a project has to end: a pipe or a device might not, and would take all that the agent
 * serves with it.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
async function demandFiles(cwd: string): Promise<void> {
  for (let at = cwd; ; at = dirname(at)) {
    for (const file of [join(at, '.npmrc'), join(at, 'package.json')]) {
      const found = await stat(file).catch(() => undefined);
      if (found && !found.isFile() && !found.isDirectory())
        throw new PyrsiaError('CONFIG_INVALID', { problems: [`npm's configuration: ${file} is no file`] });
    }
    if (dirname(at) === at) return;
  }
}

async function versionIn(npmPath: string): Promise<{ readonly version?: string }> {
  try {
    const value: unknown = JSON.parse(await readFile(join(npmPath, 'package.json'), 'utf8'));
    const isNpms = typeof value === 'object' && value && 'name' in value && value.name === 'npm';
    return isNpms && 'version' in value && typeof value.version === 'string'
      ? { version: value.version }
      : {};
  } catch {
    return {};
  }
}

function real(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}
