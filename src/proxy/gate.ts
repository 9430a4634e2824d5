/**
 * The local HTTP server of one upstream: admitted request → ecosystem route → reply. On its port that
 * registry is the root `/`, because npm asks for tarballs without any prefix of ours.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RegistryProtocol } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { checkHeaders, credentialOf, ownerOf } from './admission.ts';
import { answer, type AnswerParts, type Call, reply } from './answer.ts';
import { outcomeOf } from './outcome.ts';
import { type Asker, passedOn } from './asker.ts';
import { addressOf, type Gate, openServer, plain } from './server.ts';

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

/** Listens as {@link openServer} does. */
export async function openGate(
  parts: GateParts,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  return openServer(
    async (request, response, address) => serve(parts, address, request, response),
    parts.log,
    where,
  );
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
  const [path, query] = addressOf(request);
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
