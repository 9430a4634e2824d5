/**
 * Registries of images: Debian's docker-registry, and in front of it one that remembers what it was asked, and that
 * can be had to misbehave or to want a token.
 *
 * @module
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request as ask,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Certificate } from '../fixtures/registry/certificate.ts';
import { type Running, start } from './command.ts';
import type { TokenServer } from './token-server.ts';
import { freePort } from './free-port.ts';

/** What the tests of images need besides Node. */
export const imageTools: readonly string[] = ['docker-registry', 'skopeo', 'umoci'];

/** What `pyrsia pull` says without a terminal when all is well: a line for each layer. */
export const layerLines = /^(?:pyrsia: [0-9a-f]{12}: .+\n)*$/;

/** Whether this machine has all of `tools`. */
export function has(...tools: readonly string[]): boolean {
  return tools.every((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0);
}

/** "secret", as docker-registry wants it (bcrypt). */
const SECRET = '$2b$04$HFEDhGl8gAWPWk9Yd5yWJeyAWQITmUwSKiMd7NnSsMXxFdVSgM59e';

/** A running docker-registry. */
export interface ImageRegistry extends AsyncDisposable {
  /** With its port. */
  readonly host: string;
  /** Copies an image of an OCI layout into it, with all that belongs to it. */
  push(layout: string, tag: string, name: string): Promise<void>;
}

/** How a registry is started. Whoever is let in to some is let in as "me" with "secret". */
export interface RegistryOptions {
  /** It lets nobody else in. */
  readonly locked?: boolean;
  /** It wants a token of this one's. */
  readonly tokens?: TokenServer;
  /** It shows the one certificate, and lets in who shows the other. */
  readonly tls?: { readonly server: Certificate; readonly client: Certificate };
  /** As what this machine is named. */
  readonly address?: '127.0.0.1' | '[::1]';
}

/** Starts a registry. */
export async function startRegistry({
  locked = false,
  tokens: server,
  tls,
  address = '127.0.0.1',
}: RegistryOptions = {}): Promise<ImageRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'registry-'));
  const port = await freePort();
  const write = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const token = server && {
    realm: server.realm,
    service: server.service,
    issuer: server.issuer,
    rootcertbundle: write('tokens.pem', server.certificate),
  };
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: {
      addr: `:${port}`,
      secret: 'for one test',
      ...(tls && {
        tls: {
          key: write('key.pem', tls.server.key),
          certificate: write('cert.pem', tls.server.cert),
          clientcas: [write('client.pem', tls.client.cert)],
        },
      }),
    },
    ...(locked ? { auth: { htpasswd: { realm: 'test', path: write('users', `me:${SECRET}\n`) } } } : {}),
    ...(token ? { auth: { token } } : {}),
  };
  mkdirSync(join(directory, 'data'));
  const file = join(directory, 'config.yml');
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  const host = `${address}:${port}`;
  const running: Running = start(['docker-registry', 'serve', file], {
    env: process.env,
    timeoutMs: 600_000,
  });
  running.result.catch(() => undefined);
  await until(async () => {
    const socket = connect(port, address.replace(/[[\]]/g, ''));
    await once(socket, 'connect');
    socket.destroy();
  });

  return {
    host,
    async push(layout, tag, name) {
      // skopeo cannot read addresses of IPv6.
      const to = `docker://127.0.0.1:${port}/${name}`;
      const args = ['copy', '--all', '--preserve-digests', '--dest-tls-verify=false', '-q'];
      const login = [
        ...(locked || server ? ['--dest-creds', 'me:secret'] : []),
        ...(tls ? ['--dest-cert-dir', certificates(join(directory, 'certs'), tls)] : []),
      ];
      const from = `oci:${layout}:${tag}`;
      const pushed = await start(['skopeo', '--insecure-policy', ...args, ...login, from, to], {
        env: process.env,
        timeoutMs: 180_000,
      }).result;
      if (pushed.code !== 0) throw new Error(pushed.stderr);
    },
    async [Symbol.asyncDispose]() {
      running.kill();
      await running.result.catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Writes into a directory what a client trusts there and shows, in the names that docker and podman look for. */
export function certificates(
  folder: string,
  { server, client }: NonNullable<RegistryOptions['tls']>,
): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca.crt'), server.cert);
  writeFileSync(join(folder, 'client.cert'), client.cert);
  writeFileSync(join(folder, 'client.key'), client.key);
  return folder;
}

/** A registry that passes on what it is asked, and remembers it. */
export interface Front extends AsyncDisposable {
  readonly host: string;
  /** `GET /v2/…`, with what was shown: `(Basic)`, `(Bearer)`. */
  readonly requests: string[];
  /** Answers some requests itself: it returns false for the others. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Changes what comes back, `path` by path. */
  spoil: (path: string, body: Buffer) => Buffer;
  /** Nobody answers at its address any more, or somebody does again. */
  down(): Promise<void>;
  up(): Promise<void>;
}

/** Starts a front of the registry at `behind`. */
export async function startFront(behind: string): Promise<Front> {
  const listener: RequestListener = (request, response) => {
    const { method, url = '', headers } = request;
    const shown = headers.authorization?.split(' ')[0];
    front.requests.push(`${method} ${url}${shown === undefined ? '' : ` (${shown})`}`);
    void (async () => {
      if (await front.instead(request, response)) return;
      const upstream = ask(`http://${behind}${url}`, { method, headers }, (reply) => {
        const parts: Buffer[] = [];
        reply.on('data', (part: Buffer) => parts.push(part));
        reply.on('end', () => {
          const body = front.spoil(url, Buffer.concat(parts));
          const length = method === 'HEAD' ? {} : { 'content-length': body.byteLength };
          response.writeHead(reply.statusCode!, { ...reply.headers, ...length });
          response.end(body);
        });
      });
      request.pipe(upstream).on('error', () => response.destroy());
    })();
  };
  let server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const front: Front = {
    host: `127.0.0.1:${port}`,
    requests: [],
    instead: () => false,
    spoil: (_, body) => body,
    async down() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
    async up() {
      server = createServer(listener);
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    async [Symbol.asyncDispose]() {
      await front.down();
    },
  };
  return front;
}

/**
 * A front's {@link Front.instead} that wants a token for everything, as docker's hub does: whoever asks gets one, for
 * a repository whose name begins with `private/` only "me" with "secret". Each is good for `uses` requests.
 */
export function tokens(realm: string, { uses = Infinity } = {}): Front['instead'] {
  const given = new Map<string, { scope: string; left: number }>();
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry.invalid');
    const { authorization = '' } = request.headers;
    if (url.pathname === '/token') {
      const scope = url.searchParams.get('scope') ?? '';
      const isMe = authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
      if (scope.startsWith('repository:private/') && !isMe) response.writeHead(401).end();
      else {
        const token = `token-${given.size}`;
        given.set(token, { scope, left: uses });
        response.end(JSON.stringify({ token }));
      }
      return true;
    }
    const [, repository = ''] = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname) ?? [];
    const scope = repository === '' ? '' : `repository:${repository}:pull`;
    const shown = given.get(authorization.replace(/^Bearer /, ''));
    if (shown && shown.scope === scope && shown.left-- > 0) return false;
    const scoped = scope === '' ? '' : `,scope="${scope}"`;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"${scoped}` });
    response.end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    return true;
  };
}

async function until(works: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const isWorking = await works().then(
      () => true,
      () => false,
    );
    if (isWorking) return;
    await delay(50);
  }
  throw new Error('It never came to be');
}
