/**
 * A repository on this machine that has what another one has: it asks once, keeps the answer in a folder, and counts
 * what it is asked. So every round finds the same upstream, as far away as it is said to be.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { counted, KEEP_ALIVE_MS, type Mirror } from '../counted.ts';

/** How often a repository that fails is asked once more. */
const TRIES = 4;

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
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, ({ url = '/', method }, response) => {
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

  return counted(server, 'http');
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
