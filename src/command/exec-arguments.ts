/**
 * Which words of `pyrsia exec` and `pyrsia bypass` are ours, and which are the command's.
 *
 * @module
 */

/** Our own options come first; from the first word on, or after the first `--`, everything is the command's. */
export function splitExec(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly command: readonly string[];
} {
  const first = argv.findIndex((arg) => arg === '--' || !arg.startsWith('-'));
  if (first < 0) return { own: argv, command: [] };
  return { own: argv.slice(0, first), command: argv.slice(argv[first] === '--' ? first + 1 : first) };
}

/** The same arguments of our program with `--` where the command begins, so that nobody takes its `--help` for ours. */
export function delimited(args: readonly string[]): string[] {
  const [id, ...rest] = args;
  if (id !== 'exec' && id !== 'bypass') return [...args];
  const { own, command } = splitExec(rest);
  return [id, ...own, '--', ...command];
}
