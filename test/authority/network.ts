/**
 * A network of authorities on this machine, made of what ships, and the registry that they look at.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/authority/clock.ts';
import { createHome, homeFiles, type Identity, readIdentity } from '../../src/authority/home.ts';
import type { AuthorityKeys } from '../../src/authority/keys.ts';
import { type AuthorityNode, startNode } from '../../src/authority/node.ts';
import { quorumOf } from '../../src/log/network-file.ts';
import { freePorts } from '../support/free-port.ts';

const PASSPHRASE = 'a passphrase of these tests';

/** A registry: what it answers, by path; the first segment of a path says which authority asks. */
export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
  /** By path without that segment; a function may answer one authority otherwise. */
  readonly has: Map<string, (by: string) => { status?: number; type?: string; body: Buffer | string }>;
}

export async function openUpstream(): Promise<Upstream> {
  const asked: string[] = [];
  const has: Upstream['has'] = new Map();
  const server = createServer((request, response) => {
    const [, by = '', rest = ''] = /^\/([^/]*)(\/.*)$/.exec(request.url ?? '') ?? [];
    asked.push(`${by} ${rest}`);
    const {
      status = 200,
      type = 'application/octet-stream',
      body,
    } = has.get(rest)?.(by) ?? {
      status: 404,
      body: '',
    };
    response.writeHead(status, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    asked,
    has,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** One authority, which runs or does not. */
export interface Member {
  readonly name: string;
  readonly directory: string;
  readonly url: string;
  readonly identity: Identity;
  readonly keys: AuthorityKeys;
  start(allowance?: number): Promise<AuthorityNode>;
  stop(): Promise<void>;
}

export interface TestNetwork extends AsyncDisposable {
  /** The first orders the entries. */
  readonly members: readonly Member[];
  readonly policy: string;
  /** Lets everybody's clock be so much later. */
  later(ms: number): void;
}

/** Makes `n` authorities, which ask public registries at `upstream`, each below its own name, and starts them. */
export async function openNetwork(n: number, upstream?: Upstream): Promise<TestNetwork> {
  const root = mkdtempSync(join(tmpdir(), 'network-'));
  const ports = await freePorts(n);
  let ahead = 0;
  const made = await Promise.all(
    ports.map(async (port, i) => {
      const name = `a${i + 1}.example`;
      const directory = join(root, name);
      const url = `http://127.0.0.1:${port}/`;
      const at = (registry: string): string => `${upstream?.url}${name}/${registry}/`;
      const { card, keys } = await createHome(directory, PASSPHRASE, {
        organisation: name,
        log: `${name}/log`,
        url,
        upstreams: upstream ? { npm: at('npm'), maven: at('maven'), docker: at('docker') } : {},
      });
      const files = homeFiles(directory);
      const identity = await readIdentity(directory);
      return { name, directory, url, port, card, keys, identity, files };
    }),
  );
  const cards = made.map(({ card }) =>
    Object.fromEntries(
      card
        .trim()
        .split('\n')
        .map((line) => line.split(' ')),
    ),
  );
  const policy = [
    ...cards.map((card) => `# pyrsia observer ${card['organisation']} ${card['attest']}`),
    `log ${cards[0]!['log']} ${cards[0]!['url']}`,
    ...cards.map((card) => `witness ${card['organisation']} ${card['cosign']} ${card['url']}`),
    `group authorities ${quorumOf(n)} ${made.map(({ name }) => name).join(' ')}`,
    'quorum authorities',
    '',
  ].join('\n');
  const members = made.map(({ name, directory, url, port, identity, keys, files }): Member => {
    writeFileSync(files.network, policy);
    let running: AuthorityNode | undefined;
    return {
      name,
      directory,
      url,
      identity,
      keys,
      async start(allowance) {
        running = await startNode({
          directory,
          identity,
          keys,
          network: Buffer.from(policy),
          listen: { host: '127.0.0.1', port },
          connection: { strictSsl: true },
          log: (line) => process.stderr.write(`${line}\n`),
          clock: { ...systemClock, now: () => Date.now() + ahead },
          batchMs: 20,
          ...(allowance !== undefined && { allowance }),
        });
        return running;
      },
      async stop() {
        await running?.close();
        running = undefined;
      },
    };
  });
  for (const member of members) await member.start();
  return {
    members,
    policy,
    later: (ms) => void (ahead += ms),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map(async (member) => member.stop()));
      rmSync(root, { recursive: true });
    },
  };
}

/** Asks an authority. */
async function post(
  { url }: Member,
  path: string,
  body: string | Uint8Array,
): Promise<{ status: number; text: string; headers: Headers }> {
  const reply = await fetch(new URL(path, url), { method: 'POST', body: Buffer.from(body) });
  return { status: reply.status, text: await reply.text(), headers: reply.headers };
}

/** Submits a package, and returns what was told of it. */
export async function submit(
  member: Member,
  purl: string,
): Promise<{ status: number; value: Record<string, unknown>; text: string; headers: Headers }> {
  const reply = await post(member, 'submit', JSON.stringify({ purl }));
  return { ...reply, value: reply.status === 200 ? (JSON.parse(reply.text) as Record<string, unknown>) : {} };
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
