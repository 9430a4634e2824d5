/**
 * What is in force: environment over project over user file over default. Reading never fails: whatever
 * cannot be read is left out and becomes a problem to be shown, because a spoilt setting must not break
 * somebody's build.
 *
 * @module
 */
import type { Paths } from '../paths.ts';
import { type ConfigFile, projectFiles, readConfigFile, userConfigPath } from './config-file.ts';
import { type Config, isKey, type Key, KEYS, settingOf } from './settings.ts';

/** Where a value comes from. */
export type Origin = 'environment' | 'project' | 'user' | 'default';

/** The configuration of one directory and environment. */
export interface ReadConfig {
  readonly values: Config;
  /** How each value was written, and where. */
  readonly origins: Readonly<Record<Key, { readonly text: string; readonly origin: Origin }>>;
  /** Whether fetching goes through us here at all: `PYRSIA=off` and a project's `{"enabled": false}` say no. */
  readonly enabled: boolean;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** Reads what holds for a command started with `env` in `cwd`; changes nothing. */
export function readConfig(paths: Pick<Paths, 'config'>, env: NodeJS.ProcessEnv, cwd: string): ReadConfig {
  return combine(
    readConfigFile(userConfigPath(paths)),
    projectFiles(cwd, env['HOME']).map(readConfigFile),
    env,
  );
}

/** The rules of precedence. `projects` are the files of the directory and of those above it. */
export function combine(
  user: ConfigFile,
  projects: readonly ConfigFile[],
  env: NodeJS.ProcessEnv,
): ReadConfig {
  const problems = [user, ...projects].flatMap((file) => [
    ...file.problems,
    ...unknownIn(file, file !== user),
  ]);
  const weighed = KEYS.map((key) => {
    const { env: variable } = settingOf(key);
    const said = [
      { origin: 'user' as const, where: `${user.path}, ${key}`, text: user.entries[key] },
      ...projects.map(({ path, entries }) => ({
        origin: 'project' as const,
        where: `${path}, ${key}`,
        text: entries[key],
      })),
      { origin: 'environment' as const, where: variable ?? '', text: variable && env[variable] },
    ];
    return [key, weigh(key, said, problems)] as const;
  });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each value is what its own setting parsed
    values: Object.fromEntries(weighed.map(([key, { value }]) => [key, value])) as Config,
    origins: byKey(weighed.map(([key, { text, origin }]) => [key, { text, origin }])),
    enabled: env['PYRSIA'] !== 'off' && projects.every(({ entries }) => entries['enabled'] !== 'false'),
    problems,
  };
}

interface Said {
  readonly origin: Origin;
  readonly where: string;
  readonly text: string | undefined;
}

/** Goes from the weakest to the strongest word; each may replace what came before. */
function weigh(
  key: Key,
  said: readonly Said[],
  problems: string[],
): { value: unknown; text: string; origin: Origin } {
  const { parse, tightens, expected, default: initial } = settingOf(key);
  let best = { value: parse(initial), text: initial, origin: 'default' as Origin };
  for (const { origin, where, text } of said) {
    if (!text) continue;
    const value = parse(text);
    if (value === undefined) problems.push(`${where}: "${text}" is ignored, expected ${expected}`);
    else if (origin !== 'project' || tightens?.(value, best.value)) best = { value, text, origin };
    else
      problems.push(`${where}: "${text}" is ignored, a project may only switch us off or tighten what holds`);
  }
  return best;
}

function byKey<T>(entries: readonly (readonly [Key, T])[]): Record<Key, T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from KEYS, so none is missing
  return Object.fromEntries(entries) as Record<Key, T>;
}

function unknownIn({ path, entries }: ConfigFile, isProject: boolean): string[] {
  const unknown = Object.keys(entries).filter((key) => !isKey(key) && !(isProject && key === 'enabled'));
  return unknown.length > 0 ? [`${path}: unknown settings, left alone: ${unknown.join(', ')}`] : [];
}
