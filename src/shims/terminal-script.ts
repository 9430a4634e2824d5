/**
 * The last act of a stand-in, in sh: runs the tool, and where somebody watches, says afterwards what it fetched.
 *
 * @module
 */

/**
 * Runs the command in its arguments from the second on. The first is the file of the receipt that is shown on
 * stderr afterwards; where it is empty, the command takes the shell's place.
 *
 * What a terminal sends, it sends to the command as well; a trap that does nothing lets us live to see the end
 * of it, and is not inherited. A shell tells on its stderr which signal a command has died of: nobody asked,
 * so that goes nowhere, where descriptor 9 is free to hold the real one meanwhile. In the end we die of the
 * same signal, without a core of our own. Most shells ignore SIGQUIT whatever is done, so for that one the
 * system's own takes over, which may be another.
 */
export const RUN_SCRIPT = `if [ -z "$1" ]; then
  shift
  exec "$@"
fi
pyrsia_file=$1
shift
export PYRSIA_SHIM_DEPTH="\${PYRSIA_SHIM_DEPTH%%:*}:c:$$:\${PYRSIA_SHIM_DEPTH#*:*:*:}"
if [ -n "\${BASH_VERSION-}" ]; then
  if [ "$SHLVL" -gt 1 ]; then SHLVL=$((SHLVL - 1)); else unset SHLVL; fi
fi
trap : INT QUIT
pyrsia_end=0
if { true >&9; } 2>/dev/null; then
  "$@" || pyrsia_end=$?
else
  { (exec "$@" 2>&9 9>&-) || pyrsia_end=$?; } 9>&2 2>/dev/null
fi
trap - INT QUIT
if [ -s "$pyrsia_file" ]; then
  while IFS= read -r pyrsia_line || [ -n "$pyrsia_line" ]; do
    printf '%s\\n' "$pyrsia_line" >&2
  done <"$pyrsia_file"
fi
# The answers of an agent that was killed are still there, and name it.
if [ "$pyrsia_end" != 0 ]; then
  pyrsia_dir=\${pyrsia_file%/launch/*}
  for pyrsia_file in "$pyrsia_dir"/quick-*; do
    { read -r pyrsia_line && read -r pyrsia_line; } 2>/dev/null <"$pyrsia_file" || continue
    [ "/proc/$pyrsia_line/cwd" -ef "$pyrsia_dir" ] ||
      printf '%s\\n' "pyrsia: The agent ended while \${0##*/} was running; if that failed, run it again (pyrsia agent logs may say why)" >&2
    break
  done
fi
case $pyrsia_end in
129 | 13[0-9] | 14[0-3] | 152 | 153)
  ulimit -c 0
  kill "-$((pyrsia_end - 128))" "$$"
  [ "$pyrsia_end" != 131 ] || exec /bin/sh -c 'kill -3 $$; exit 131'
  ;;
esac
exit "$pyrsia_end"
`;
