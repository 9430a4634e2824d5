/**
 * mvn, and how it is led to us: by settings of a run's own that stand before the user's arguments, where the first
 * that are named count.
 *
 * @module
 */
import type { Redirection, Tool, ToolCall } from '../ecosystem.ts';
import { calledMvn } from './called.ts';
import { gradle } from './gradle.ts';
import { ledSettings, readSettings } from './settings.ts';

/** Takes the place of the settings of the installation. */
const GLOBAL = 'global-settings.xml';
/** Takes the place of the user's own, where they say whom to ask. */
const USER = 'settings.xml';

/**
 * Leads one call to us. `leading` are repositories by id, of which those that a user's mirror stands for are led by that
 * mirror, under its id: Maven writes down where it has each artifact from, and asks for it again if that is gone.
 */
function redirect({ leading, credential, globalConfig, userConfig = '', pathOf }: ToolCall): Redirection {
  if (leading.length === 0) return { env: {} };
  const bases = new Map(leading.map(({ scope = 'central', base }) => [scope, base]));
  const [global, user] = [readSettings(globalConfig), readSettings(userConfig)];
  const usersMirrors = new Set(user.mirrors.map(({ id }) => id));
  const mirrors = new Set([...global.mirrors.map(({ id }) => id), ...usersMirrors]);
  const unproxied = [...new Set(leading.map(({ base }) => new URL(base).hostname))];
  const added = [...bases].flatMap(([id, url]) => (mirrors.has(id) ? [] : [{ id, url }]));
  const changesUser = user.proxies.length > 0 || [...bases.keys()].some((id) => usersMirrors.has(id));
  // Maven takes what is said of an id from one file, and the user's own is theirs to say: there it shows us no credential.
  const told = new Set([...global.servers, ...user.servers].map(({ id }) => id));
  const leads = { urls: bases, unproxied, added: [], told, credential };
  return {
    env: {},
    args: ['-gs', pathOf(GLOBAL), ...(changesUser ? ['-s', pathOf(USER)] : [])],
    files: {
      [GLOBAL]: ledSettings(globalConfig, { ...leads, added }),
      ...(changesUser ? { [USER]: ledSettings(userConfig, leads) } : {}),
    },
  };
}

export const mavenTools: readonly Tool[] = [{ ...calledMvn, redirect }, gradle];
