/**
 * Two repositories of Maven's on this machine, each asked through a gate of its own.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf, hexOf } from '../../src/content/digest.ts';
import { maven } from '../../src/ecosystems/maven/maven.ts';
import type { ArtifactService, Contradiction } from '../../src/proxy/artifact-service.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { openGate } from '../../src/proxy/gate.ts';
import type { Gate } from '../../src/proxy/server.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import type { ReportLine } from '../../src/resolve/report.ts';
import { openReporter } from '../../src/resolve/reporter.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import { ask, type Reply } from './ask.ts';

const LAUNCH = '00000000-0000-4000-8000-000000000000';
/** The public name of the same launch. */
export const NAME = '11111111-0000-4000-8000-000000000000';

/** A jar, by its first bytes. */
export const jar = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(20_000)]);

/** SHA-1 in hex. */
export const sha1 = (bytes: Buffer): string => hexOf(digestOf(bytes, 'sha1'));

type Answer = Buffer | string | ((request: IncomingMessage, response: ServerResponse) => void);

/** A repository that is asked through a gate of its own. */
export interface Asked {
  /** What it answers, by path. */
  readonly shelf: Record<string, Answer>;
  /** Paths that it was asked for. */
  readonly requests: string[];
  asker: Asker;
  readonly gate: Gate;
}

/** Both, and what is asked of them. */
export interface MavenGates extends AsyncDisposable {
  readonly one: Asked;
  readonly other: Asked;
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly contradictions: readonly Contradiction[];
  /** Lets time go by, in milliseconds. */
  elapse(this: void, ms: number): void;
  get(this: void, path: string, at?: Asked): Promise<Reply>;
  /** Puts a file there, with its checksum. */
  put(this: void, path: string, bytes: Buffer, at?: Asked): void;
  offline(this: void, at?: Asked): void;
  reported(this: void): readonly ReportLine[];
  notes(this: void): readonly string[];
}

/** Opens them over an empty cache. */
export async function openMavenGates(): Promise<MavenGates> {
  const directory = await mkdtemp(join(tmpdir(), 'maven-'));
  const cache = await openCache(join(directory, 'cache'));
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const upstreams = openUpstreams({ silenceMs: 300, now });
  const documents = openDocuments(cache.documents, upstreams, now);
  const contradictions: Contradiction[] = [];
  const artifacts = openArtifacts({
    cache,
    documents,
    upstreams,
    resolver: openResolver(cache),
    now,
    onContradiction: (found) => void contradictions.push(found),
  });
  const reporter = openReporter(
    { launch: LAUNCH, command: ['mvn'], cwd: '/', startedAt: 0, policy: 'observe' },
    {},
  );
  const servers: Server[] = [];

  async function open(): Promise<Asked> {
    const shelf: Asked['shelf'] = {};
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url!);
      const found = shelf[request.url!];
      if (typeof found === 'function') found(request, response);
      else if (found) response.end(found);
      else response.writeHead(404).end('<html>no such thing</html>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const gate = await openGate(
      {
        artifacts,
        documents,
        upstreams,
        admit: async (credential) => (credential === LAUNCH ? opened.asker : undefined),
        admitNamed: async (name) => (name === NAME ? opened.asker : undefined),
        refuse: maven.registry.refuse,
        log: () => {},
      },
      { host: '127.0.0.1' },
    );
    const opened: Asked = {
      shelf,
      requests,
      gate,
      asker: {
        upstream: { url, name: url.href, public: false, ecosystem: maven },
        connection: { strictSsl: true },
        policy: 'observe',
        reporter,
      },
    };
    return opened;
  }
  const [one, other] = [await open(), await open()];

  return {
    one,
    other,
    cache,
    artifacts,
    contradictions,
    elapse: (ms) => void (ahead += ms),
    get: async (path, { gate } = one) =>
      ask(new URL(path, gate.base), { headers: { authorization: `Bearer ${LAUNCH}` } }),
    put(path, bytes, { shelf } = one) {
      shelf[path] = bytes;
      shelf[`${path}.sha1`] = sha1(bytes);
    },
    offline: (at = one) => void (at.asker = { ...at.asker, offline: 'PYRSIA_OFFLINE=1' }),
    reported: () => reporter.receipt().artifacts,
    notes: () => reporter.receipt().notes,
    async [Symbol.asyncDispose]() {
      for (const { gate } of [one, other]) await gate[Symbol.asyncDispose]();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      await artifacts.settled();
      await upstreams[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
