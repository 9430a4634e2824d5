/**
 * What we ask of a docker daemon ourselves.
 *
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

// As in server.ts.
const { request: ask } = process.getBuiltinModule('node:http');

/** A daemon. What cannot be asked of it rejects with the system's error. */
export interface DockerEngine {
  /** Asks, and gives the answer as it comes. Aborting gives the request up, also while it is answered. */
  ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    how?: { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<IncomingMessage>;
  /** The id of an image that it has under this name; undefined when there is none. */
  idOf(version: string, name: string): Promise<string | undefined>;
  /** Gives an image a further name. */
  tag(version: string, name: string, repository: string, tag: string): Promise<boolean>;
  /** Takes a name from an image, and where that was the last, the image from the daemon. */
  untag(version: string, name: string): Promise<void>;
}

/** The daemon behind a socket. */
export function openEngine(socketPath: string): DockerEngine {
  const engine: DockerEngine = {
    async ask(method, path, { headers = {}, signal } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const length = method === 'POST' ? { 'content-length': '0' } : {};
      const asked = ask({
        socketPath,
        method,
        path,
        headers: { host: 'docker', ...length, ...headers },
        agent: false,
        ...(signal && { signal }),
      });
      asked.once('response', resolve).on('error', reject).end();
      return promise;
    },
    async idOf(version, name) {
      const found = await engine.ask('GET', `${version}/images/${name}/json`);
      const body = await text(found);
      if (found.statusCode !== 200) return undefined;
      const image: unknown = JSON.parse(body);
      const id: unknown = typeof image === 'object' && image !== null && 'Id' in image ? image.Id : undefined;
      return typeof id === 'string' ? id : undefined;
    },
    async tag(version, name, repository, tag) {
      const query = new URLSearchParams({ repo: repository, tag });
      const answer = await engine.ask('POST', `${version}/images/${name}/tag?${query.toString()}`);
      await text(answer);
      return answer.statusCode === 201;
    },
    async untag(version, name) {
      await text(await engine.ask('DELETE', `${version}/images/${name}`));
    },
  };
  return engine;
}
