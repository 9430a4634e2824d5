/**
 * A repository of Maven's on this machine, and poms and jars for it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { strToU8, zipSync } from 'fflate';

/** A running repository. */
export interface MavenRepository extends AsyncDisposable {
  /** Ends in `/`. */
  readonly url: string;
  /** What it has, by path, and what was put there. */
  readonly files: Map<string, Buffer>;
  /** Paths that it was asked for. */
  readonly requests: string[];
  /** With which headers, what was put there included. */
  readonly headers: IncomingHttpHeaders[];
  /** Answers 401 to whoever does not show this header, by a challenge where it is Authorization; undefined: to nobody. */
  guard(header: string | undefined, value?: string): void;
  /** Puts a file there, with its checksum unless it is to have none. */
  put(path: string, content: Buffer | string, options?: { readonly sha1?: string | false }): void;
  /** Answers everything with this status, once it was asked so many times more; undefined: as usual. */
  fail(status: number | undefined, after?: number): void;
  /** Begins to send what is asked for at `path`, and goes on with it once it is released; resolves when it has begun. */
  hold(path: string): { readonly begun: Promise<void>; release(): void };
}

/** Starts a repository that has nothing, or what lies in a folder. */
export async function startMavenRepository(folder?: string): Promise<MavenRepository> {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const shown: IncomingHttpHeaders[] = [];
  let guarded: { readonly header: string; readonly value: string | undefined } | undefined;
  const held = new Map<string, { readonly begun: () => void; readonly released: Promise<void> }>();
  let failing: number | undefined;
  let left = 0;
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    shown.push(headers);
    if (method === 'PUT') {
      void buffer(request).then((content) =>
        response.writeHead(files.has(url) ? 200 : 201).end(files.set(url, content) && ''),
      );
      return;
    }
    requests.push(url);
    if (guarded && headers[guarded.header] !== guarded.value) {
      response
        .writeHead(401, guarded.header === 'authorization' ? { 'www-authenticate': 'Basic realm="a"' } : {})
        .end();
      return;
    }
    const found = files.get(url) ?? fileIn(folder, url);
    const hold = held.get(url);
    if (failing !== undefined && left-- <= 0) response.writeHead(failing).end();
    else if (found && hold) {
      response.writeHead(200, { 'content-length': found.length }).write(found.subarray(0, 1), hold.begun);
      void hold.released.then(() => response.end(found.subarray(1)));
    } else if (found) response.end(found);
    else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files,
    requests,
    headers: shown,
    guard: (header, value) => void (guarded = header === undefined ? undefined : { header, value }),
    put(path, content, { sha1 = sha1Of(content) } = {}) {
      files.set(path, Buffer.from(content));
      if (sha1 === false) files.delete(`${path}.sha1`);
      else files.set(`${path}.sha1`, Buffer.from(sha1));
    },
    fail: (status, after = 0) => void ([failing, left] = [status, after]),
    hold(path) {
      const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      held.set(path, { begun: begun.resolve, released: released.promise });
      return {
        begun: begun.promise,
        release() {
          held.delete(path);
          released.resolve();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function fileIn(folder: string | undefined, url: string): Buffer | undefined {
  const path = folder === undefined ? undefined : join(folder, decodeURIComponent(url));
  return path !== undefined && existsSync(path) ? readFileSync(path) : undefined;
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
export function jarOf(content: string): Buffer {
  return Buffer.from(zipSync({ 'META-INF/content.txt': strToU8(content) }));
}

/** Puts a jar and its pom there. */
export function publish(
  repository: MavenRepository,
  artifact: string,
  version: string,
  {
    more,
    group = 'org.example',
    classifier,
  }: { readonly more?: string; readonly group?: string; readonly classifier?: string } = {},
): void {
  const at = `/${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}`;
  repository.put(`${at}.pom`, pomOf(artifact, version, more, group));
  repository.put(`${at}.jar`, jarOf(`${artifact} ${version}`));
  if (classifier !== undefined)
    repository.put(`${at}-${classifier}.jar`, jarOf(`${classifier} of ${artifact}`));
}

/** Puts the latest build of a snapshot there, `<base>-20260102.030405-<number>` of `<base>-SNAPSHOT`, with what tells of it. */
export function publishSnapshot(
  repository: MavenRepository,
  artifact: string,
  base: string,
  more?: string,
  number = 1,
): void {
  const [at, build] = [`/org/example/${artifact}/${base}-SNAPSHOT`, `${base}-20260102.030405-${number}`];
  repository.put(`${at}/${artifact}-${build}.pom`, pomOf(artifact, `${base}-SNAPSHOT`, more));
  repository.put(`${at}/${artifact}-${build}.jar`, jarOf(`${artifact} ${build}`));
  const versions = ['pom', 'jar'].map(
    (type) =>
      `<snapshotVersion><extension>${type}</extension><value>${build}</value><updated>20260102030405</updated></snapshotVersion>`,
  );
  repository.put(
    `${at}/maven-metadata.xml`,
    `<metadata><groupId>org.example</groupId><artifactId>${artifact}</artifactId><version>${base}-SNAPSHOT</version><versioning><snapshot><timestamp>20260102.030405</timestamp><buildNumber>${number}</buildNumber></snapshot><lastUpdated>20260102030405</lastUpdated><snapshotVersions>${versions.join('')}</snapshotVersions></versioning></metadata>`,
  );
}
