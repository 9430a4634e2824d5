/**
 * Which daemon docker's client would talk to.
 *
 * @see https://docs.docker.com/engine/manage-resources/contexts/
 * @see https://github.com/docker/cli/blob/v28.2.2/cli/context/store/store.go
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { dockerCall } from '../ecosystems/oci/docker-calls.ts';

/** Where the daemon is that has been told of nowhere. */
const DEFAULT_SOCKET = '/var/run/docker.sock';

/** A daemon on this machine, or why it is not ours to stand in front of; and the files that say so, there or not. */
export type DockerDaemon = ({ readonly socket: string } | { readonly reason: string }) & {
  readonly files: readonly string[];
};

/** Finds it as docker does: by the call's options, the environment, the context in use. */
export function findDaemon(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DockerDaemon {
  const { daemon, config = env['DOCKER_CONFIG'] || join(env['HOME'] ?? '/', '.docker') } = dockerCall(args);
  if (daemon !== undefined) return { reason: `${daemon} says which daemon it is`, files: [] };
  if (env['DOCKER_HOST']) return { ...socketIn(env['DOCKER_HOST'], 'DOCKER_HOST'), files: [] };
  const file = join(config, 'config.json');
  const context = env['DOCKER_CONTEXT'] || currentContext(file);
  if (context === 'default') return { socket: DEFAULT_SOCKET, files: [file] };
  const meta = metaOf(config, context);
  const host = hostIn(meta);
  const files = [file, meta];
  return host === undefined
    ? { reason: `nothing is known of the context ${context}`, files }
    : { ...socketIn(host, `the context ${context}`), files };
}

function socketIn(host: string, by: string): { readonly socket: string } | { readonly reason: string } {
  const [, scheme, socket] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(host) ?? [];
  if (scheme === 'unix' && socket?.startsWith('/')) return { socket };
  // Whoever put a password there does not want to see it here.
  return { reason: `by ${by} its daemon is at ${scheme ?? 'tcp'}://…` };
}

function currentContext(file: string): string {
  const found = memberOf(read(file), 'currentContext');
  return typeof found === 'string' && found !== '' ? found : 'default';
}

function metaOf(config: string, context: string): string {
  const id = createHash('sha256').update(context).digest('hex');
  return join(config, 'contexts', 'meta', id, 'meta.json');
}

function hostIn(file: string): string | undefined {
  const host = memberOf(memberOf(memberOf(read(file), 'Endpoints'), 'docker'), 'Host');
  return typeof host === 'string' ? host : undefined;
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Whether somebody answers there: what docker says of a daemon that does not run, it says best itself. */
export async function answers(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket);
  connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const isThere = await promise;
  connection.destroy();
  return isThere;
}
