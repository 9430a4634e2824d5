/**
 * What a process inherits and Node changes for itself, so that the tool that takes its place would have it
 * otherwise than without us: how many files it may have open, and which signals are ignored.
 *
 * @module
 */

/** Where the stand-in writes it down for {@link asInherited}. */
export const INHERITED = 'PYRSIA_SHIM_INHERITED';

/** Notes it, in sh, on systems that have a /proc. */
export const NOTE_INHERITED = `export ${INHERITED}=
    for pyrsia_file in /proc/self/limits /proc/self/status; do
      [ -r "$pyrsia_file" ] || continue
      while read -r pyrsia_line; do
        case $pyrsia_line in
        "Max open files "* | SigIgn:*)
          ${INHERITED}="$${INHERITED}$pyrsia_line|"
          break
          ;;
        esac
      done 2>/dev/null <"$pyrsia_file"
    done`;

/**
 * Arguments of a shell, `interpreter` and its options, with which it runs `script` under what was noted. `args`
 * are the script's own, from `$0` on.
 */
export function asInherited(
  noted: string,
  [interpreter, ...options]: readonly [string, ...string[]],
  script: string,
  args: readonly string[],
): readonly string[] {
  const [, files] = /Max open files +(\d+|unlimited) /.exec(noted) ?? [];
  const limited = files === undefined ? script : `ulimit -Sn ${files}\n${script}`;
  const run = [interpreter, ...options, '-c', limited, ...args];
  const ignored = ignoredSignals(noted);
  // What is ignored when a shell begins stays so, whatever the script does about it.
  return ignored.length === 0
    ? run
    : [interpreter, ...options, '-c', `trap '' ${ignored.join(' ')}; exec "$@"`, interpreter, ...run];
}

/** Numbers of the signals that were ignored. A shell may ignore SIGQUIT itself: who means it ignores SIGINT, too. */
function ignoredSignals(noted: string): number[] {
  const [, mask = '0'] = /SigIgn:\s*([0-9a-f]+)/.exec(noted) ?? [];
  const bits = BigInt(`0x${mask}`);
  const all = Array.from({ length: 31 }, (_, index) => index + 1).filter((n) => (bits >> BigInt(n - 1)) & 1n);
  return all.filter((n) => n !== 3 || all.includes(2));
}
