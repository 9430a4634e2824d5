/**
 * The second half of a stand-in: a call that fetches is led by an answer that the agent has left in a file,
 * where all that the answer rests on is as it was. Nothing is asked of anybody, and no process is started.
 *
 * @module
 */
import { basename } from 'node:path';
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { SPARE, TAKEN } from './launch.ts';
import { addressOf } from './quick-file.ts';
import { isBash, quoted } from './sh.ts';
import { RUN_SCRIPT } from './terminal-script.ts';

/** What {@link quickWay} has to know. */
export interface QuickOptions {
  readonly tool: CalledTool;
  readonly interpreter: string;
  readonly runtime: string;
  readonly uid: number;
  readonly env: NodeJS.ProcessEnv;
}

/** The most characters of arguments that go into a launch file, of which the agent takes 1 MiB: more are left to Node. */
const ARGUMENTS_LIMIT = 200_000;

/** Where our directories are comes from these. */
const PLACES = ['HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'];

/** Runs the tool, or goes on below with everything as it was. */
export function quickWay({ tool, interpreter, runtime, uid, env }: QuickOptions): string {
  const { variables, otherVariables, led, projectFiles, lockfiles } = tool.settings;

  return `# The quick way.
while [ "$pyrsia_way" = quick ]; do
  pyrsia_way=slow
  if [ -n "\${PYRSIA_WAS_OTHERS+x}" ] || [ ! . -ef "$PWD" ]; then break; fi
  [ ${joined(PLACES)} = ${quoted(PLACES.map((name) => env[name] ?? '').join('|'))} ] || break
  pyrsia_run=/tmp
  case \${TMPDIR-} in /*) pyrsia_run=$TMPDIR ;; esac
  pyrsia_run=$pyrsia_run/pyrsia-${uid}
  case \${XDG_RUNTIME_DIR-} in /*) if [ -O "$XDG_RUNTIME_DIR" ]; then pyrsia_run=$XDG_RUNTIME_DIR/pyrsia; fi ;; esac
  if [ ! -O "$pyrsia_run" ] || [ -h "$pyrsia_run" ]; then break; fi
  pyrsia_run=$pyrsia_run/${quoted(basename(runtime))}
  pyrsia_file=$pyrsia_run/quick-${tool.executable}
  if [ ! -O "$pyrsia_run" ] || [ -h "$pyrsia_run" ] || [ ! -O "$pyrsia_file" ]; then break; fi
  # The agent takes no longer a file than 1 MiB; a character has four bytes at most.
  pyrsia_text="$*"
  [ "\${#pyrsia_text}" -lt ${ARGUMENTS_LIMIT} ] || break
  # Where files may not grow, writing one has to fail, and not to end us.
  trap : XFSZ
${isBash(interpreter) && otherVariables.length > 0 ? lookForOthers(otherVariables) : ''}
  pyrsia_line=
  pyrsia_newline='
'
  {
    # What the answer rests on, in general…
    IFS= read -r pyrsia_line && [ "$pyrsia_line" = pyrsia-quick-1 ] || break
    IFS= read -r pyrsia_line && [ "/proc/$pyrsia_line/cwd" -ef "$pyrsia_run" ] || break
    [ "/proc/$pyrsia_line/ns/net" -ef /proc/self/ns/net ] || break
    IFS= read -r pyrsia_generation || break
    IFS= read -r pyrsia_line && [ "$pyrsia_line" = "$pyrsia_real" ] || break
    IFS= read -r pyrsia_line || break
    pyrsia_path=\${PATH-}:
    while [ -n "$pyrsia_path" ]; do
      pyrsia_dir=\${pyrsia_path%%:*}
      pyrsia_dir=\${pyrsia_dir:-.}
      pyrsia_dir=\${pyrsia_dir%/}
      if [ -x "$pyrsia_dir/node" ] && [ -f "$pyrsia_dir/node" ]; then break; fi
      pyrsia_path=\${pyrsia_path#*:}
    done
    [ "\${pyrsia_path:+$pyrsia_dir/node}" = "$pyrsia_line" ] || break
    IFS= read -r pyrsia_line && [ "$pyrsia_line" = ${joined(variables)} ] || break
    # …files…
    IFS= read -r pyrsia_locks || break
    pyrsia_known='|'
    while IFS= read -r pyrsia_line; do
      case $pyrsia_line in
      =*)
        pyrsia_line=\${pyrsia_line#=}
        if [ ! -e "$pyrsia_line" ] || [ "$pyrsia_line" -nt "$pyrsia_file" ]; then break 2; fi
        pyrsia_known=$pyrsia_known$pyrsia_line'|'
        ;;
      -*) [ ! -e "\${pyrsia_line#-}" ] || break 2 ;;
      *) break ;;
      esac
    done
    # …and that the project has no say.
    pyrsia_dir=$PWD
    while :; do
${projectFiles
  .map(
    (file) => `      if [ -e "$pyrsia_dir"/${quoted(file)} ]; then
        case $pyrsia_known in *"|$pyrsia_dir"/${quoted(file)}"|"*) ;; *) break 2 ;; esac
      fi`,
  )
  .join('\n')}
      if ${exists(['.pyrsia.json'])}; then break 2; fi
${
  lockfiles.length === 0
    ? ''
    : `      if [ -n "$pyrsia_locks" ]; then
        if ${exists(lockfiles)}; then break 2; fi
      fi
`
}      [ -n "$pyrsia_dir" ] || break
      # The tool goes up from where it really is.
      [ ! -h "$pyrsia_dir" ] || break 2
      pyrsia_dir=\${pyrsia_dir%/*}
    done

    # The launch: its credential, its public name, the files that belong to it, its variables and arguments.
    IFS= read -r pyrsia_id </proc/sys/kernel/random/uuid || break
${tool.socket === undefined ? NEW_NAME : nameWith(tool.socket)}
    pyrsia_name=$pyrsia_run/launch/$pyrsia_public
    pyrsia_suffix=
    pyrsia_text=
    pyrsia_more=
    while :; do
      case $pyrsia_line in
${led.map((name) => branchesFor(name, tool)).join('\n')}
      @*) pyrsia_text=$pyrsia_text\${pyrsia_line#@}$pyrsia_id$pyrsia_newline ;;
      :*) pyrsia_text=$pyrsia_text\${pyrsia_line#:}$pyrsia_newline ;;
      !*) pyrsia_more=\${pyrsia_line#!}$pyrsia_newline$pyrsia_more ;;
      ">"* | end)
        if [ -n "$pyrsia_suffix" ]; then printf %s "$pyrsia_text" >"$pyrsia_name.$pyrsia_suffix" || break 2; fi
        if [ "$pyrsia_line" = end ]; then break; fi
        pyrsia_suffix=\${pyrsia_line#>}
        pyrsia_text=
        ;;
      *) break 2 ;;
      esac
      IFS= read -r pyrsia_line || break 2
    done
  } 2>/dev/null <"$pyrsia_file"
  [ "$pyrsia_line" = end ] || break
  pyrsia_text=
  if [ -t 2 ]; then pyrsia_text=1; fi
  printf '%s\\0' pyrsia-launch-2 "$pyrsia_public" "$pyrsia_generation" "$pyrsia_text" "$$" "$PWD" ${quoted(tool.executable)} \\
    "$pyrsia_real" "$#" "$@" end 2>/dev/null >"$pyrsia_run/launch/$pyrsia_id" || break
  # An agent that ends takes the file away, and only then looks for launches: either it sees ours, or we see that.
  [ -e "$pyrsia_file" ] || break
  while [ -n "$pyrsia_more" ]; do
    set -- "\${pyrsia_more%%"$pyrsia_newline"*}" "$@"
    pyrsia_more=\${pyrsia_more#*"$pyrsia_newline"}
  done
  set -- "\${pyrsia_text:+$pyrsia_name.receipt}" "$pyrsia_real" "$@"
${RUN_SCRIPT}
done
`;
}

/** How a variable is set, by what the file says of it. */
function branchesFor(name: string, { socket }: Pick<CalledTool, 'socket'>): string {
  const values = {
    $: '${pyrsia_line#*=}',
    '&': '$pyrsia_name.${pyrsia_line#*=}',
    ...(socket === undefined ? {} : { '~': addressOf('$pyrsia_name.${pyrsia_line#*=}') }),
  };
  const branches = Object.entries(values).map(
    ([sign, value]) =>
      `      "${sign === '$' ? '\\$' : sign}${name}="*) export PYRSIA_WAS_${name}="\${${name}-}" ${name}="${value}" PYRSIA_LED_${name}="${value}" ;;`,
  );
  return branches.join('\n');
}

/** A public name that nobody has. */
const NEW_NAME = '    IFS= read -r pyrsia_public </proc/sys/kernel/random/uuid || break';

/** One under which a socket listens, as the agent has put them there; whoever makes the file `taken` has it. */
function nameWith(socket: string): string {
  return `    pyrsia_public=
    set -C
    for pyrsia_name in "$pyrsia_run"/launch/*.${SPARE}; do
      pyrsia_name=\${pyrsia_name%.${SPARE}}
      if [ -S "$pyrsia_name.${socket}" ] && printf '' >"$pyrsia_name.${TAKEN}"; then
        pyrsia_public=\${pyrsia_name##*/}
        break
      fi
    done
    set +C
    [ -n "$pyrsia_public" ] || break`;
}

/** Values of variables as one word. */
function joined(names: readonly string[]): string {
  return `"${names.map((name) => `\${${name}-}`).join('|')}"`;
}

/** Whether one of `files` lies in the directory that is looked at. */
function exists(files: readonly string[]): string {
  return files.map((file) => `[ -e "$pyrsia_dir"/${quoted(file)} ]`).join(' || ');
}

function lookForOthers(beginnings: readonly string[]): string {
  const patterns = beginnings.map((beginning) => `*${quoted(beginning)}*`).join(' | ');
  return `  IFS= read -r -N 1000000 pyrsia_line 2>/dev/null </proc/self/environ || :
  case $pyrsia_line in ${patterns}) break ;; esac`;
}
