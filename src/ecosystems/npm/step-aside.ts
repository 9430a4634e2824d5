/**
 * Which calls of npm and npx must run as if we were not there.
 *
 * npm's own list of options is not consulted, so a word behind an option may be its value or the command:
 * it counts as both. To step aside without need costs a cache hit; not to do it costs a release.
 *
 * @module
 */

/** Commands that act on a registry in the user's name: led to us they would send it to, or save, our address. */
export const IN_THE_USERS_NAME = (
  'access add-user adduser author deprecate dist-tag dist-tags hook login logout ogr org owner profile publish ' +
  'stage star stars team token trust undeprecate unpublish unstar whoami'
).split(' ');

/** Commands on npm's settings: they are to show and change the user's own. */
export const ON_SETTINGS = ['config', 'get', 'set'];

/** Names of other commands that happen to begin like one of those above. */
const OTHERS = ['add', 's', 'se', 't', 'u', 'un'];

/** Why this call of npm must not go through us; undefined when it may. */
export function npmStepsAside(args: readonly string[]): string | undefined {
  for (const typed of possibleCommands(args)) {
    const word = typed.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    // npm takes any unambiguous beginning of a command for it, and stops at an ambiguous one.
    const means = (command: string): boolean => command.startsWith(word) && !OTHERS.includes(word);
    if (IN_THE_USERS_NAME.some(means)) return `npm ${typed} acts on the registry in your name`;
    if (ON_SETTINGS.some(means)) return `npm ${typed} is about npm's own settings`;
  }
  const end = args.indexOf('--');
  return optionAside(end < 0 ? args : args.slice(0, end));
}

/** Why this call of npx must not go through us. What follows the package's name is not npx's. */
export function npxStepsAside(args: readonly string[]): string | undefined {
  const end = args.findIndex((arg, at) => isWord(arg) && !mayBeValue(args, at));
  return optionAside(end < 0 ? args : args.slice(0, end));
}

function possibleCommands(args: readonly string[]): readonly string[] {
  const certain = args.findIndex((arg, at) => isWord(arg) && !mayBeValue(args, at));
  return (certain < 0 ? args : args.slice(0, certain + 1)).filter((arg) => isWord(arg) && arg !== '');
}

const isWord = (arg: string): boolean => !/^-./.test(arg);

/** Whether the option before it may take it as a value. */
function mayBeValue(args: readonly string[], at: number): boolean {
  const before = args[at - 1];
  return before !== undefined && /^-+[^-=][^=]*$/.test(before);
}

function optionAside(args: readonly string[]): string | undefined {
  for (const arg of args) {
    const [, option = ''] = /^-+([^=]+)/.exec(arg) ?? [];
    // `reg` is npm's own short name; beginnings of an option count as the option.
    if ((option.length >= 3 && 'registry'.startsWith(option)) || /^@[^:]*:registry$/.test(option)) {
      return `--${option} names the registry for this call`;
    }
    if (option === 'noproxy') return '--noproxy decides who is asked through a proxy';
    if (option.length > 'global'.length && 'globalconfig'.startsWith(option)) {
      return `--${option} takes the place of the file with our credential`;
    }
  }
  return undefined;
}
