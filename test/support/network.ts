/**
 * Commands that really have no network: a network namespace with nothing but its own loopback.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import type { Command } from './command.ts';

/** `command` run where nothing can be reached, neither the network nor this machine's other loopback. */
export function inNamespaceWithoutNetwork(command: Command): Command {
  const unshare = process.getuid?.() === 0 ? '-n' : '-rn';
  return ['unshare', unshare, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command];
}

/** Whether this machine lets us make such a namespace. */
export function canUnshareNetwork(): boolean {
  const [program, ...args] = inNamespaceWithoutNetwork(['true']);
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
