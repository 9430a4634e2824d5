/**
 * The first half of a stand-in, which every call goes through: what the user had, where the real tool is, and
 * what kind of call it is. Variables of the shell are called `pyrsia_…`, since one that the user exports under
 * the same name would change for the tool.
 *
 * @module
 */
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { quoted } from './sh.ts';

/** The most stand-ins below one another; an `npm run` that calls itself is stopped here. */
const DEPTH_LIMIT = 16;

/** Gives back what a launch above us has replaced, or one of our own, as `restored` in environment.ts does. */
export function restore({ settings: { led } }: CalledTool): string {
  return `# What the user had, where it is led.
pyrsia_restore() {
  [ -n "${led.map((name) => `\${PYRSIA_WAS_${name}+x}`).join('')}" ] || return 0
  for pyrsia_line in ${led.join(' ')}; do
    eval '[ -n "\${PYRSIA_WAS_'$pyrsia_line'+x}" ]' || continue
    if eval '[ "\${'$pyrsia_line'-}" = "\${PYRSIA_LED_'$pyrsia_line'-"\${'$pyrsia_line'-}"}" ]'; then
      eval "$pyrsia_line=\\$PYRSIA_WAS_$pyrsia_line"
      if eval '[ -n "$'$pyrsia_line'" ]'; then export "$pyrsia_line"; else unset "$pyrsia_line"; fi
    fi
    unset "PYRSIA_WAS_$pyrsia_line" "PYRSIA_LED_$pyrsia_line"
  done
}
pyrsia_restore
`;
}

/**
 * Finds the tool, leaving out ourselves; and what was tried already, where the process that runs now, or the
 * one above it, is one that we have started: something that looks for the tool on the PATH has found us again.
 */
export function findReal({ tool, shims }: { readonly tool: CalledTool; readonly shims: string }): string {
  const name = tool.executable;
  const own = quoted(shims);
  return `# The real ${name}.
pyrsia_depth=\${PYRSIA_SHIM_DEPTH-0}
pyrsia_tried=
case $pyrsia_depth in
*:*:*:*)
  pyrsia_line=\${pyrsia_depth#*:}
  pyrsia_depth=\${pyrsia_depth%%:*}
  case $pyrsia_line in "e:$$:"* | "c:$PPID:"*) pyrsia_tried=\${pyrsia_line#*:*:}: ;; esac
  ;;
esac
case $pyrsia_depth in
[0-9] | 1[0-${DEPTH_LIMIT - 11}]) ;;
*[!0-9]* | 0* | '') pyrsia_depth=0 ;;
*)
  printf '%s\\n' ${quoted(`pyrsia: not run, since ${name} has started ${name} ${DEPTH_LIMIT} times (PYRSIA=off ${name} …)`)} >&2
  exit 125
  ;;
esac
pyrsia_path=\${PATH-}:
pyrsia_real=
while [ -n "$pyrsia_path" ]; do
  pyrsia_dir=\${pyrsia_path%%:*}
  pyrsia_path=\${pyrsia_path#*:}
  pyrsia_dir=\${pyrsia_dir:-.}
  pyrsia_file=\${pyrsia_dir%/}/${name}
  [ -x "$pyrsia_file" ] && [ "$pyrsia_dir" != ${own} ] && [ -f "$pyrsia_file" ] || continue
  if [ "$pyrsia_file" -ef "$0" ] || [ "$pyrsia_dir" -ef ${own} ]; then continue; fi
  pyrsia_line=$pyrsia_file
  case $pyrsia_line in /*) ;; *) pyrsia_line=$PWD/$pyrsia_line ;; esac
  case :$pyrsia_tried in *":$pyrsia_line:"*) continue ;; esac
  pyrsia_real=$pyrsia_file
  break
done
if [ -z "$pyrsia_real" ]; then
  printf '%s\\n' ${quoted(`pyrsia: ${name}: command not found (the PATH has nothing but pyrsia's stand-in)`)} >&2
  exit 127
fi
export PYRSIA_SHIM_DEPTH="$((pyrsia_depth + 1)):e:$$:$pyrsia_tried$pyrsia_line"
`;
}

/**
 * Tells by its words what kind of call it is. A call that fetches nothing, or must not be led, runs at once,
 * except where names that no shell can hold have to be given back before: that is left to Node.
 */
export function decide({
  tool,
  disabled = false,
}: {
  readonly tool: CalledTool;
  readonly disabled?: boolean;
}): string {
  const { aside, idle, fetching, anyWord, anyOption, groups = [], options } = tool.calls;
  const byWord = [
    branch([...idle.filter((word) => !isOption(word)), ...aside], 'pyrsia_way=aside; break'),
    branch(groups, ':'),
    branch(fetching, `pyrsia_way=quick${anyOption ? '; break' : ''}`),
    anyWord ? '*) pyrsia_way=quick; break ;;' : '*) break ;;',
  ];
  const byArgument = [
    branch(options, ':'),
    branch(idle.filter(isOption), 'pyrsia_way=aside; break'),
    '--) break ;;',
    '-*) pyrsia_way=slow; break ;;',
  ];
  return `# What is asked for?
pyrsia_way=slow
if ${disabled ? 'true' : '[ "${PYRSIA-}" = off ] || [ "$#" = 0 ]'}; then
  pyrsia_way=aside
else
  for pyrsia_line do
    case $pyrsia_line in
${indented(byArgument, '    ')}    *)
      if [ "$pyrsia_way" = slow ]; then
        case $pyrsia_line in
${indented(byWord, '        ')}        esac
      fi
      ;;
    esac
  done
fi
if [ "$pyrsia_way" = aside ]; then
  if [ -z "\${PYRSIA_WAS_OTHERS+x}" ]; then exec "$pyrsia_real" "$@"; fi
  export PYRSIA_WAS_PYRSIA="\${PYRSIA-}" PYRSIA=off
fi
`;
}

const isOption = (word: string): boolean => word.startsWith('-');

/** A branch of a `case`; none where there are no patterns. */
function branch(patterns: readonly string[], then: string): string {
  return patterns.length === 0 ? '' : `${patterns.join(' | ')}) ${then} ;;`;
}

function indented(lines: readonly string[], by: string): string {
  return lines.flatMap((line) => (line === '' ? [] : [`${by}${line}\n`])).join('');
}
