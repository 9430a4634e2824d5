/**
 * The local HTTP server of one upstream: admitted request → ecosystem route → reply. On its port that
 * registry is the root `/`, because npm asks for tarballs without any prefix of ours.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { RegistryProtocol, Reply } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { checkHeaders, credentialOf, ownerOf } from './admission.ts';
import { answer, type AnswerParts, type Call, reply } from './answer.ts';
import { outcomeOf } from './artifacts.ts';
import { type Asker, passedOn } from './asker.ts';

// Not by import: for that Node makes a façade of all that http can do, and loads its own undici to see what that is.
const { createServer } = process.getBuiltinModule('node:http');

/** What a gate works with. */
export interface GateParts extends AnswerParts {
  /**
   * Whoever shows `credential` at this gate, with what its user configured; undefined for strangers. A launch
   * that cannot be served is a PyrsiaError, which its tool is told.
   */
  readonly admit: (credential: string) => Promise<Asker | undefined>;
  /** How a client of this gate is told that it does not get what it asks for. */
  readonly refuse: RegistryProtocol['refuse'];
  readonly log: (message: string) => void;
}

/** A server that listens. */
export interface Gate extends AsyncDisposable {
  /** Ends in `/`. */
  readonly base: string;
  readonly port: number;
}

/**
 * Listens on an IPv4 loopback address: on `port` if it can be had, else on any.
 *
 * @throws the system's error when no port can be had at all
 */
export async function openGate(
  parts: GateParts,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  const server = createServer({ keepAliveTimeout: 60_000 });
  const port = await listen(server, where.host, where.port);
  const address = `${where.host}:${port}`;

  server.on('request', (request, response) => {
    void serve(parts, address, request, response).catch((error: unknown) => {
      parts.log(`Broke down over ${request.method} ${request.url}: ${String(error)}`);
      response.destroy();
    });
  });
  return {
    base: `http://${address}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

async function listen(server: Server, host: string, wanted = 0): Promise<number> {
  for (const port of wanted === 0 ? [0] : [wanted, 0]) {
    try {
      server.listen(port, host);
      await once(server, 'listening');
      const address = server.address();
      if (typeof address === 'object' && address) return address.port;
    } catch (error) {
      const taken =
        error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
      if (port === 0 || !taken) throw error;
    }
  }
  throw new Error('unreachable');
}

async function serve(
  parts: GateParts,
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const turnedAway = checkHeaders(request, address);
  if (turnedAway) return reply(response, plain(turnedAway.status, turnedAway.reason));
  const credential = credentialOf(request);
  const asker = credential === undefined ? undefined : await parts.admit(credential).catch(reasonOf);
  if (!asker) return reply(response, plain(401, 'this address serves commands started by pyrsia only'));
  const owner = await ownerOf(request.socket);
  if (owner !== undefined && owner !== process.getuid?.()) {
    return reply(response, plain(403, 'this address serves another user'));
  }
  if (asker instanceof PyrsiaError) return reply(response, parts.refuse('refused', asker.message));

  const { method = 'GET', url = '/', headers } = request;
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  const { registry } = asker.upstream.ecosystem;
  const flat = passedOn(headers);
  const route = registry.route(method, path, query, flat);
  const call: Call = { parts, asker, request, response, url, headers: flat, signal: gone.signal };

  try {
    await answer(call, route);
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) {
      if (!gone.signal.aborted) parts.log(`Gave up ${url}: ${String(error)}`);
      return void response.destroy();
    }
    if (!(error instanceof PyrsiaError)) throw error;
    reply(response, registry.refuse(refusalFor(error), error.message));
  }
}

function reasonOf(error: unknown): PyrsiaError {
  if (error instanceof PyrsiaError) return error;
  throw error;
}

function refusalFor(error: PyrsiaError): 'refused' | 'unavailable' {
  return outcomeOf(error) === 'refused' ? 'refused' : 'unavailable';
}

function plain(status: number, reason: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: `pyrsia: ${reason}` }),
  };
}
