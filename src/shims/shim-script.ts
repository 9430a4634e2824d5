/**
 * The stand-in for a tool: a file on the PATH, of the tool's name, that runs the tool, and leads it to the
 * agent where it is about to fetch something.
 *
 * It is sh, and uses nothing but the shell's builtins: a Node would take ten times as long as all that it
 * does. What it cannot tell for certain, the client `bin/shim.js` decides in its place.
 *
 * @module
 */
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { hasQuickWay } from '../ecosystems/tools.ts';
import { NOTE_INHERITED } from './inherited.ts';
import { decide, findReal, restore } from './shim-decides.ts';
import { quickWay } from './shim-leads.ts';
import { isBash, quoted } from './sh.ts';

const FORMAT = 'pyrsia-shim-1';

/** What a stand-in is made of. */
export interface ShimOptions {
  readonly tool: CalledTool;
  /** Absolute: bash where there is one, else sh. Neither spaces nor more than 100 bytes: it stands behind `#!`. */
  readonly interpreter: string;
  /** Absolute: the Node that runs {@link ShimOptions.entry}. */
  readonly node: string;
  /** Absolute: our `bin/shim.js`. */
  readonly entry: string;
  /** Absolute: the directory in which the stand-ins lie. */
  readonly shims: string;
  /** The runtime directory. Only its last component is used: what is above it can change. */
  readonly runtime: string;
  readonly uid: number;
  /** The environment for which `runtime` holds. */
  readonly env: NodeJS.ProcessEnv;
  /** The tool runs as if the stand-in were not there. */
  readonly disabled?: boolean;
}

/** What a stand-in says of itself. */
export interface ShimHeader {
  readonly tool: string;
  readonly node: string;
  readonly entry: string;
  readonly interpreter: string;
  readonly disabled: boolean;
}

/** The text of the stand-in for `options.tool` on systems with a sh. */
export function shimScript(options: ShimOptions): string {
  const { tool, interpreter, node, entry } = options;
  const name = quoted(tool.executable);
  // As plainly(), but a `#!` takes one option, and before a script bash reads no rc file.
  return `#!${interpreter}${isBash(interpreter) ? ' -p' : ''}
# ${FORMAT} ${header(options)}
# Stands in for ${tool.executable} and runs it. Made by pyrsia shim install: change nothing here, it will be overwritten.

${restore(tool)}
${findReal(options)}
${decide(options)}
${hasQuickWay(tool) ? quickWay(options) : ''}
# Any other call, and whatever is not as expected: Node decides.
if [ . -ef "$PWD" ]; then
  if [ -x ${quoted(node)} ] && [ -f ${quoted(entry)} ]; then
    if [ -n "\${NODE_OPTIONS-}" ]; then
      export PYRSIA_WAS_NODE_OPTIONS="$NODE_OPTIONS" NODE_OPTIONS=
    fi
    ${NOTE_INHERITED}
    exec ${quoted(node)} ${quoted(entry)} ${quoted(interpreter)} ${name} "$pyrsia_real" "$@"
  fi
  printf '%s\\n' ${quoted(`pyrsia: ${node} or ${entry} is gone; ${tool.executable} runs without pyrsia (pyrsia doctor repairs it)`)} >&2
  [ "\${PYRSIA_STRICT-}" != 1 ] || exit 125
fi
# The quick way may have given up half-way.
pyrsia_restore
exec "$pyrsia_real" "$@"
`;
}

/** The text of the stand-in on Windows, where Node decides everything. */
export function shimCommandFile(options: Omit<ShimOptions, 'interpreter'>): string {
  const { tool, node, entry } = options;
  const lines = [
    `@rem ${FORMAT} ${header({ ...options, interpreter: '' })}`,
    `@${escaped(node)} ${escaped(entry)} "" ${tool.executable} "" %*`,
    '@exit /b %errorlevel%',
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** What the stand-in with this text says of itself; undefined when it is none of ours. */
export function parseShim(text: string): ShimHeader | undefined {
  const [, json] = new RegExp(`^(?:#!.*\\n# |@rem )${FORMAT} (\\{.*\\})\\r?\\n`).exec(text) ?? [];
  if (json === undefined) return undefined;
  try {
    const said: unknown = JSON.parse(json);
    return isHeader(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

function isHeader(said: unknown): said is ShimHeader {
  if (typeof said !== 'object' || said === null) return false;
  const members: Readonly<Record<string, unknown>> = { ...said };
  const texts = ['tool', 'node', 'entry', 'interpreter'];
  return texts.every((name) => typeof members[name] === 'string') && typeof members['disabled'] === 'boolean';
}

/** A path for cmd.exe. */
function escaped(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

/** One line, without anything that cmd.exe takes for its own. */
function header({
  tool,
  node,
  entry,
  interpreter,
  disabled = false,
}: Omit<ShimOptions, 'shims' | 'runtime' | 'uid' | 'env'>): string {
  const said: ShimHeader = { tool: tool.executable, node, entry, interpreter, disabled };
  return JSON.stringify(said).replaceAll(
    /[%^&|<>!]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
