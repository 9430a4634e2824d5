/**
 * What npx makes of its arguments before npm reads them.
 *
 * @see https://github.com/npm/cli/blob/latest/bin/npx-cli.js
 * @module
 */
import { npxCalls } from './calls.ts';

/** Options that take the next word as their value, and how npm spells them. */
const VALUED: Readonly<Record<string, string>> = {
  '-p': '--package',
  '--package': '--package',
  '-c': '--call',
  '--call': '--call',
};

/** npm's own names of options that only npx has. */
const RENAMED: Readonly<Record<string, string>> = { '--no-install': '--yes=false', '--no': '--yes=false' };

/**
 * The arguments of npm that npx's stand for: `exec --yes -- left` for `-y left`. Undefined where an option is
 * met of which only npx knows whether it takes the next word.
 */
export function npxAsExec(args: readonly string[]): readonly string[] | undefined {
  const options: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--') return ['exec', ...options, ...args.slice(at)];
    if (!arg.startsWith('-')) return ['exec', ...options, '--', ...args.slice(at)];
    const valued = VALUED[arg];
    if (valued !== undefined) options.push(valued, args[++at] ?? '');
    else if (isKnown(arg)) options.push(RENAMED[arg] ?? arg.replace(/^-p=/, '--package='));
    else return undefined;
  }
  return ['exec', ...options];
}

function isKnown(arg: string): boolean {
  return /^-p=|^--[^=]+=/.test(arg) || npxCalls.options.includes(arg);
}
