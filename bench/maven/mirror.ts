/**
 * A repository on this machine that has what another one has: it asks once, keeps the answer in a folder, and counts
 * what it is asked. So every round finds the same upstream, as far away as it is said to be.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any pause between two requests of one build. */
const KEEP_ALIVE_MS = 60_000;

/** How often a repository that fails is asked once more. */
const TRIES = 4;

/** A running mirror; `url` ends in `/`. */
export interface Mirror extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests since it was asked last. */
  count(): number;
}

/** How a mirror answers. */
export interface MirrorOptions {
  /** Where answers are kept; those of an earlier mirror count. */
  readonly directory: string;
  /** Whether what ends in a checksum's name is there: some repositories have none. */
  readonly checksums?: boolean;
  /** How far away it is: an answer begins so many milliseconds after the question. Default: no further than it is. */
  readonly awayMs?: number;
}

/** Opens a mirror of the repository at `upstream`, which ends in `/`; undefined: it has only what lies in its folder. */
export async function openMirror(
  upstream: string | undefined,
  { directory, checksums = true, awayMs = 0 }: MirrorOptions,
): Promise<Mirror> {
  const answers = new Map<string, Promise<Buffer | undefined>>();
  let requests = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, ({ url = '/', method }, response) => {
    requests++;
    const path = decodeURIComponent(url).slice(1);
    let answer = answers.get(path);
    if (!answer) answers.set(path, (answer = read(path)));
    const arrived = awayMs > 0 ? sleep(awayMs) : undefined;
    Promise.all([answer, arrived]).then(
      ([body]) => {
        if (!body) return response.writeHead(404, { 'content-length': 0 }).end();
        const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
        return response.writeHead(200, headers).end(method === 'HEAD' ? undefined : body);
      },
      (error: unknown) => {
        answers.delete(path);
        response.writeHead(502).end(String(error));
      },
    );
  });

  async function read(path: string): Promise<Buffer | undefined> {
    if (path.split('/').includes('..') || (!checksums && /\.(?:md5|sha\d+)$/.test(path))) return undefined;
    const file = join(directory, path);
    if (existsSync(`${file}.absent`)) return undefined;
    if (existsSync(file)) return readFileSync(file);
    const body = upstream === undefined ? undefined : await ask(new URL(path, upstream));
    if (upstream === undefined) return undefined;
    mkdirSync(dirname(file), { recursive: true });
    const kept = body ? file : `${file}.absent`;
    writeFileSync(`${kept}.part`, body ?? '');
    renameSync(`${kept}.part`, kept);
    return body;
  }

  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    count() {
      const counted = requests;
      requests = 0;
      return counted;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** What the repository has there; undefined where it has nothing. */
async function ask(url: URL): Promise<Buffer | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(url);
      if (response.status === 404) return undefined;
      if (response.ok) return Buffer.from(await response.arrayBuffer());
      throw new Error(`The repository answers ${response.status}`);
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
