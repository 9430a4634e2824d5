/**
 * The launch file: how one wrapped run of a tool tells the agent of itself. The file's own name is a random id,
 * which is the launch's credential: it is valid while the file exists. The launch's public name is another
 * random one; files that belong to the launch are called after it, since tools log which files they read.
 *
 * Fields, each ended by a NUL: the format, the public name, the generation of the answer by which a shim led
 * the tool itself (empty: the agent is asked how to), `1` if a receipt is to be kept for the terminal, pid,
 * working directory, tool, path of the executable, number of arguments, the arguments, `NAME=value` for each
 * variable that matters, and `end`. A shell writes it with one printf, and can neither rename nor choose a
 * mode: whoever reads takes the file only once `end` is there, and its directory is what keeps others out.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tools } from '../ecosystems/tools.ts';
import { PyrsiaError } from '../errors.ts';

const FORMAT = 'pyrsia-launch-2';

/** The most bytes that a launch file may have: 1 MiB. */
const LAUNCH_LIMIT = 2 ** 20;

/** What is started, where, and by which process. */
export interface LaunchRequest {
  /** The process that lives as long as the launch does. */
  readonly pid: number;
  readonly cwd: string;
  /** As the user calls it: `npm`. */
  readonly tool: string;
  /** Absolute path of the real tool. */
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether `<name>.receipt` is kept current for whoever waits for the tool. */
  readonly receipt?: boolean;
}

/** A launch that was read. */
export interface Launch extends LaunchRequest {
  /** Its credential. */
  readonly id: string;
  /** What may be seen of it: files that belong to it are called after it. */
  readonly name: string;
  /** The answer by which a shim has led the tool; such a launch carries no variables. Undefined: the agent says how. */
  readonly generation?: string;
}

/** A file of a public name that no launch has yet, and that whoever asks nobody may take. */
export const SPARE = 'spare';
/** The one by which it is taken. */
export const TAKEN = 'taken';

/** Whether `id` has the form of a launch's id or name: nothing else becomes part of a path. */
export function isLaunchId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}

/** Where the launch files of an agent's directory lie. */
export function launchDirectory(directory: string): string {
  return join(directory, 'launch');
}

/** The launch file of `id`. */
export function launchFile(directory: string, id: string): string {
  return join(launchDirectory(directory), id);
}

/** A file that belongs to the launch of this public name, and goes with it. */
export function companionFile(directory: string, name: string, suffix: string): string {
  return join(launchDirectory(directory), `${name}.${suffix}`);
}

/** The public name of the launch that the file called `file` belongs to; undefined when it belongs to none. */
export function ownerOf(file: string): string | undefined {
  const name = file.slice(0, Math.max(0, file.indexOf('.')));
  return isLaunchId(name) ? name : undefined;
}

/** What concerns any tool, and npm's settings, of which each has a variable. */
const relevant =
  /^(npm_config_.*|HOME|USERPROFILE|XDG_CONFIG_HOME|PATH|TMPDIR|APPDATA|LOCALAPPDATA|(.*_)?PROXY|NODE_EXTRA_CA_CERTS|XDG_RUNTIME_DIR|SSL_CERT_FILE|CI|NODE_ENV|PYRSIA_.*)$/i;
/** What tools say that they read. */
const named: ReadonlySet<string> = new Set(
  tools.flatMap(({ settings }) => settings.variables.map((name) => name.toUpperCase())),
);

/** What of `env` the agent may need to know. */
export function relevantOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (relevant.test(name) || named.has(name.toUpperCase()))) kept[name] = value;
  return kept;
}

/**
 * Writes a launch file into an agent's `directory`, keeping of `env` what the agent may need to know.
 *
 * Rejects by throwing what the file system says, or `AGENT_REFUSED` when it would be larger than 1 MiB.
 */
export function writeLaunch(
  directory: string,
  {
    pid,
    cwd,
    tool,
    executable,
    args,
    env,
    receipt = false,
  }: Omit<LaunchRequest, 'env'> & { readonly env: NodeJS.ProcessEnv },
): { readonly id: string; readonly name: string } {
  const [id, name] = [randomUUID(), randomUUID()];
  const about = [FORMAT, name, '', receipt ? 1 : '', pid, cwd, tool, executable];
  const variables = Object.entries(relevantOf(env)).map((variable) => variable.join('='));
  const fields = [...about, args.length, ...args, ...variables, 'end'];
  const bytes = Buffer.from(fields.map((field) => `${field}\0`).join(''));
  if (bytes.length > LAUNCH_LIMIT) refuse(`arguments and environment have ${bytes.length} bytes`);

  mkdirSync(launchDirectory(directory), { recursive: true, mode: 0o700 });
  writeFileSync(launchFile(directory, id), bytes, { flag: 'wx', mode: 0o600 });
  return { id, name };
}

/**
 * Reads the launch `id` of an agent's `directory`; undefined when there is none, or it is not written yet.
 *
 * @throws PyrsiaError `AGENT_REFUSED` when it is not a file of our own, too large, or malformed.
 */
export function readLaunch(directory: string, id: string): Launch | undefined {
  if (!isLaunchId(id)) refuse('this is no id of a launch');
  const bytes = readOwnFile(launchFile(directory, id));
  return bytes && parseLaunch(id, bytes.toString());
}

function readOwnFile(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    return refuse(`the launch file cannot be opened: ${String(error)}`);
  }
  try {
    const { size, mode, uid } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) refuse(`the launch file ${path} is no file`);
    if (process.getuid && uid !== process.getuid()) refuse(`the launch file ${path} belongs to user ${uid}`);
    if (size > LAUNCH_LIMIT) refuse(`the launch file ${path} has ${size} bytes`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function parseLaunch(id: string, text: string): Launch | undefined {
  const fields = text.split('\0');
  fields.pop(); // What follows the last NUL.
  const [format, name = '', generation, receipt, pid, cwd = '', tool = '', executable = '', count, ...rest] =
    fields;
  if (format !== undefined && format !== FORMAT) refuse('the launch file has another format');
  if (count === undefined) return undefined;

  const numbers = [Number(pid), Number(count)] as const;
  if (!numbers.every(Number.isSafeInteger) || numbers[0] < 1 || numbers[1] < 0)
    refuse('the launch file is malformed');
  if (!isLaunchId(name) || name === id) refuse('the launch file names no name of its own');
  const args = rest.slice(0, numbers[1]);
  const variables = rest.slice(numbers[1]);
  const end = variables.indexOf('end');
  if (end < 0) return undefined;
  if (end !== variables.length - 1) refuse('the launch file goes on after its end');

  const env = variables.slice(0, end).map((variable): [string, string] => {
    const equals = variable.indexOf('=');
    if (equals < 1) refuse('the launch file is malformed');
    return [variable.slice(0, equals), variable.slice(equals + 1)];
  });
  return {
    id,
    name,
    ...(generation ? { generation } : {}),
    receipt: receipt === '1',
    pid: numbers[0],
    cwd,
    tool,
    executable,
    args,
    env: Object.fromEntries(env),
  };
}

function refuse(reason: string): never {
  throw new PyrsiaError('AGENT_REFUSED', { reason });
}
