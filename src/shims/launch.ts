/**
 * The launch file: how one wrapped run of a tool tells the agent of itself. Its name is a random id, which is
 * the launch's credential; it is readable by its user only, and the launch is valid while it exists.
 *
 * Fields, each ended by a NUL: the format, pid, working directory, tool, path of the executable, number of
 * arguments, the arguments, `NAME=value` for each variable that matters, and `end`. A shell writes it with one
 * printf, and cannot rename: whoever reads takes the file only once `end` is there.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';

const FORMAT = 'pyrsia-launch-1';

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
}

/** A launch that was read. */
export interface Launch extends LaunchRequest {
  readonly id: string;
}

/** Whether `id` has the form of a launch's: nothing else becomes part of a path. */
export function isLaunchId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}

/** Where the launch files of an agent's directory lie. */
export function launchDirectory(directory: string): string {
  return join(directory, 'launch');
}

/**
 * The launch file of `id`, or with `suffix` a file that belongs to this launch and goes with it. The name of
 * the latter does not tell the id, because tools log which files they read.
 */
export function launchFile(directory: string, id: string, suffix?: string): string {
  return join(launchDirectory(directory), suffix === undefined ? id : `${belongsTo(id)}.${suffix}`);
}

/** How the names of files begin that belong to launch `id`, up to the first dot. */
export function belongsTo(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

const relevant =
  /^(npm_config_.*|PREFIX|HOME|USERPROFILE|XDG_CONFIG_HOME|PATH|TMPDIR|APPDATA|LOCALAPPDATA|(.*_)?PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|CI|PYRSIA_.*)$/i;

/**
 * Writes a launch file into an agent's `directory`, keeping of `env` what the agent may need to know.
 *
 * Rejects by throwing what the file system says, or `AGENT_REFUSED` when it would be larger than 1 MiB.
 */
export function writeLaunch(
  directory: string,
  { pid, cwd, tool, executable, args, env }: Omit<LaunchRequest, 'env'> & { readonly env: NodeJS.ProcessEnv },
): { readonly id: string } {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && relevant.test(name) ? [`${name}=${value}`] : [],
  );
  const fields = [FORMAT, pid, cwd, tool, executable, args.length, ...args, ...variables, 'end'];
  const bytes = Buffer.from(fields.map((field) => `${field}\0`).join(''));
  if (bytes.length > LAUNCH_LIMIT) refuse(`arguments and environment have ${bytes.length} bytes`);

  const id = randomUUID();
  mkdirSync(launchDirectory(directory), { recursive: true, mode: 0o700 });
  writeFileSync(launchFile(directory, id), bytes, { flag: 'wx', mode: 0o600 });
  return { id };
}

/**
 * Reads the launch `id` of an agent's `directory`; undefined when there is none, or it is not written yet.
 *
 * @throws PyrsiaError `AGENT_REFUSED` when it is not a file of mode 0600 of our own, too large, or malformed.
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
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) refuse('the launch file is no file');
    if (process.getuid && uid !== process.getuid()) refuse(`the launch file belongs to user ${uid}`);
    if (process.getuid && (mode & 0o777) !== 0o600)
      refuse(`the launch file has mode ${(mode & 0o777).toString(8)}`);
    if (size > LAUNCH_LIMIT) refuse(`the launch file has ${size} bytes`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function parseLaunch(id: string, text: string): Launch | undefined {
  const fields = text.split('\0');
  fields.pop(); // What follows the last NUL.
  const [format, pid, cwd, tool, executable, count, ...rest] = fields;
  if (format !== undefined && format !== FORMAT) refuse('the launch file has another format');
  if (count === undefined) return undefined;

  const numbers = [Number(pid), Number(count)] as const;
  if (!numbers.every(Number.isSafeInteger) || numbers[0] < 1 || numbers[1] < 0)
    refuse('the launch file is malformed');
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
    pid: numbers[0],
    cwd: cwd ?? '',
    tool: tool ?? '',
    executable: executable ?? '',
    args,
    env: Object.fromEntries(env),
  };
}

function refuse(reason: string): never {
  throw new PyrsiaError('AGENT_REFUSED', { reason });
}
