/**
 * Changing the user's settings: all of a request's changes or none.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { type ConfigFile, parseConfigFile } from './config-file.ts';
import { isKey, problemWith } from './settings.ts';

/**
 * Reads what follows `config set`: `KEY VALUE KEY VALUE …` or `KEY=VALUE …`, also mixed.
 *
 * @throws PyrsiaError `CONFIG_INVALID` when the last key has no value.
 */
export function parseAssignments(args: readonly string[]): [key: string, value: string][] {
  const assignments: [string, string][] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const equals = arg.indexOf('=');
    if (equals > 0) assignments.push([arg.slice(0, equals), arg.slice(equals + 1)]);
    else if (i + 1 < args.length) assignments.push([arg, args[++i]!]);
    else throw new PyrsiaError('CONFIG_INVALID', { problems: [`No value given for ${arg}`] });
  }
  return assignments;
}

/**
 * The file's text with these settings changed; an undefined value removes one. What we do not know is kept.
 *
 * @throws PyrsiaError `CONFIG_INVALID` with every problem there is, of the changes and of the file itself:
 * a file that cannot be read is never overwritten.
 */
export function change(
  { members, problems: own }: ConfigFile,
  changes: readonly (readonly [key: string, value: string | undefined])[],
): string {
  const problems = [
    ...own,
    ...changes.flatMap(([key, value]) => {
      const removesStray = value === undefined && Object.hasOwn(members, key);
      return removesStray ? [] : (problemWith(key, value) ?? []);
    }),
  ];
  if (problems.length > 0) throw new PyrsiaError('CONFIG_INVALID', { problems });
  const changed = { ...members, ...Object.fromEntries(changes) };
  return `${JSON.stringify(changed, undefined, 2)}\n`; // Which leaves out what is undefined.
}

/** Everything that is wrong with a file's text, unknown settings excepted; empty when it may be put in force. */
export function problemsIn(path: string, text: string): string[] {
  const { entries, problems } = parseConfigFile(path, text);
  return [
    ...problems,
    ...Object.keys(entries)
      .filter(isKey)
      .flatMap((key) => problemWith(key, entries[key]) ?? []),
  ];
}
