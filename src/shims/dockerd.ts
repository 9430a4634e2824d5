/**
 * A docker daemon that runs on this machine: which process it is, and where its own configuration lies.
 *
 * @see https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
 * @module
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where the configuration lies of a daemon that is not told. */
const DEFAULT_CONFIG = '/etc/docker/daemon.json';
const DEFAULT_SOCKET = '/var/run/docker.sock';

/** A daemon's process, by its command line. */
export interface Dockerd {
  readonly pid: number;
  /** `--config-file`, or what it is without. */
  readonly configFile: string;
  /** Whether its command line names mirrors, besides which its configuration must name none. */
  readonly namesMirrors: boolean;
}

/**
 * The daemons whose socket this is: one, or none or several where that cannot be told. Only those that root, or `uid`, has started:
 * what its command line says of itself anybody's process may say.
 */
export function dockerdsAt(socket: string, uid = process.getuid?.()): readonly Dockerd[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && [0, uid].includes(userOf(name)))
    .flatMap((name) => {
      const found = dockerdOf(Number(name), commandLine(name));
      return found && found.sockets.some((each) => real(each) === real(socket)) ? [found] : [];
    });
}

/** Reads a command line; undefined where it is no daemon's. */
export function dockerdOf(
  pid: number,
  [program = '', ...args]: readonly string[],
): (Dockerd & { readonly sockets: readonly string[] }) | undefined {
  if (basename(program) !== 'dockerd') return undefined;
  const values = (...names: readonly string[]): string[] =>
    args.flatMap((arg, at) => {
      const [name = '', ...rest] = arg.split('=');
      if (!names.includes(name)) return [];
      return rest.length > 0 ? [rest.join('=')] : [args[at + 1] ?? ''];
    });
  const configFile = values('--config-file').at(-1) ?? DEFAULT_CONFIG;
  const hosts = [...values('-H', '--host'), ...hostsIn(configFile)];
  const sockets = (hosts.length > 0 ? hosts : ['fd://']).flatMap((host) =>
    host.startsWith('fd://') ? [DEFAULT_SOCKET] : host.startsWith('unix://') ? [host.slice(7)] : [],
  );
  return { pid, configFile, sockets, namesMirrors: values('--registry-mirror').length > 0 };
}

function hostsIn(file: string): string[] {
  try {
    const said: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const hosts: unknown = typeof said === 'object' && said !== null && 'hosts' in said ? said.hosts : [];
    return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [];
  } catch {
    return [];
  }
}

/** Who has started a process, whatever it may be by its file's mode. */
function userOf(pid: string): number | undefined {
  try {
    const [, uid] = /^Uid:\s+(\d+)\s/m.exec(readFileSync(join('/proc', pid, 'status'), 'utf8')) ?? [];
    return uid === undefined ? undefined : Number(uid);
  } catch {
    return undefined; // It has ended, or is hidden from us.
  }
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
      .split('\0')
      .slice(0, -1);
  } catch {
    return []; // It has ended, or is hidden from us.
  }
}

/** `/var/run` is a link to `/run`. */
function real(socket: string): string {
  try {
    return join(realpathSync(dirname(socket)), basename(socket));
  } catch {
    return socket;
  }
}
