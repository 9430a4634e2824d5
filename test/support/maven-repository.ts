/**
 * A repository of Maven's on this machine, and poms and jars for it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { strToU8, zipSync } from 'fflate';

/** A running repository. */
export interface MavenRepository extends AsyncDisposable {
  /** Ends in `/`. */
  readonly url: string;
  /** What it has, by path. */
  readonly files: Map<string, Buffer>;
  /** Paths that it was asked for. */
  readonly requests: string[];
  /** Puts a file there, with its checksum unless it is to have none. */
  put(path: string, content: Buffer | string, options?: { readonly sha1?: string | false }): void;
  /** Answers everything with this status; undefined: as usual. */
  fail(status: number | undefined): void;
}

/** Starts an empty repository. */
export async function startMavenRepository(): Promise<MavenRepository> {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  let failing: number | undefined;
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    const found = files.get(url);
    if (failing !== undefined) response.writeHead(failing).end();
    else if (found) response.end(found);
    else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files,
    requests,
    put(path, content, { sha1 = sha1Of(content) } = {}) {
      files.set(path, Buffer.from(content));
      if (sha1 === false) files.delete(`${path}.sha1`);
      else files.set(`${path}.sha1`, Buffer.from(sha1));
    },
    fail: (status) => void (failing = status),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** SHA-1 in hex. */
export function sha1Of(content: Buffer | string): string {
  return createHash('sha1').update(content).digest('hex');
}

/** A pom.xml of `<group>:<artifact>:<version>`, with `more` in it. */
export function pomOf(artifact: string, version: string, more = '', group = 'org.example'): string {
  return `<project><modelVersion>4.0.0</modelVersion><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${more}</project>`;
}

/** A jar with one file in it. */
function jarOf(content: string): Buffer {
  return Buffer.from(zipSync({ 'META-INF/content.txt': strToU8(content) }));
}

/** Puts a jar and its pom there. */
export function publish(
  repository: MavenRepository,
  artifact: string,
  version: string,
  { more, group = 'org.example' }: { readonly more?: string; readonly group?: string } = {},
): void {
  const at = `/${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}`;
  repository.put(`${at}.pom`, pomOf(artifact, version, more, group));
  repository.put(`${at}.jar`, jarOf(`${artifact} ${version}`));
}
