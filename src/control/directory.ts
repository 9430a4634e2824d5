/**
 * Where an agent lives: a directory that only its user can enter, with `agent.lock`, `agent.sock` and
 * `launch/`. The agent's own subdirectory `net-<inode>` has the same layout, for processes in a network
 * namespace that cannot reach the ports of the agent above.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PyrsiaError } from '../errors.ts';

/** The most bytes of a socket's path that every system takes (macOS has 104 with the final NUL). */
const SOCKET_PATH_LIMIT = 103;

/**
 * Whether the runtime directory, or a directory in it, is there for us alone.
 *
 * @throws PyrsiaError `AGENT_UNAVAILABLE`, naming it, when it or the directory above it is a link, somebody
 * else's, or open to others: whoever owns it could answer in the agent's place.
 */
export function isPrivate(directory: string): boolean {
  return [dirname(directory), directory].every(isOurs);
}

/** Makes `directory`, and the one above it, with mode 0700. Throws like {@link isPrivate}. */
export function makePrivate(directory: string): void {
  for (const path of [dirname(directory), directory]) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw new PyrsiaError(
          'AGENT_UNAVAILABLE',
          { reason: `cannot make ${path}: ${String(error)}` },
          { cause: error },
        );
      }
    }
    isOurs(path);
  }
}

function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return false;
  if (!found.isDirectory()) unsafe(path, 'is not a directory');
  if (process.getuid && found.uid !== process.getuid()) unsafe(path, `belongs to user ${found.uid}`);
  if (process.getuid && (found.mode & 0o077) !== 0) {
    unsafe(path, `is open to others (mode ${(found.mode & 0o7777).toString(8)})`);
  }
  return true;
}

function unsafe(path: string, reason: string): never {
  throw new PyrsiaError('AGENT_UNAVAILABLE', { reason: `${path} ${reason}` });
}

/** The inode of this process's network namespace; undefined where there is no such thing. */
export function networkNamespace(): string | undefined {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0];
  } catch {
    return undefined;
  }
}

/** The directory of the agent that serves network namespace `net`, where another one serves `runtime` itself. */
export function namespaceDirectory(runtime: string, net: string): string {
  return join(runtime, `net-${net}`);
}

/**
 * Where an agent in `directory` listens: a socket, or on Windows a named pipe.
 *
 * @throws PyrsiaError `AGENT_UNAVAILABLE` when the path is longer than a socket's may be.
 */
export function socketPath(directory: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    return `\\\\.\\pipe\\pyrsia-${createHash('sha256').update(directory.toLowerCase()).digest('hex').slice(0, 32)}`;
  }
  const path = join(directory, 'agent.sock');
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT) {
    throw new PyrsiaError('AGENT_UNAVAILABLE', {
      reason: `${path} is too long for a socket: set XDG_RUNTIME_DIR`,
    });
  }
  return path;
}
