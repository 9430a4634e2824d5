/**
 * The local HTTP server of one upstream: admitted request → ecosystem route → reply. On its port that
 * registry is the root `/`, because npm asks for tarballs without any prefix of ours.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RegistryProtocol, Reply } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { checkHeaders, credentialOf, namedIn, ownerOf } from './admission.ts';
import { answer, type AnswerParts, type Call, reply } from './answer.ts';
import { outcomeOf } from './outcome.ts';
import { type Asker, passedOn } from './asker.ts';
import { openProven, type Proven } from './own-proof.ts';
import { addressOf, type Gate, openServer, plain } from './server.ts';

/** What a gate works with. */
export interface GateParts extends AnswerParts {
  /**
   * Whoever shows `credential` at this gate, with what its user configured; undefined for strangers. A launch
   * that cannot be served is a PyrsiaError, which its tool is told.
   */
  readonly admit: (credential: string) => Promise<Asker | undefined>;
  /** Whoever belongs to the launch of this public name, as {@link GateParts.admit}. */
  readonly admitNamed?: (name: string) => Promise<Asker | undefined>;
  /** How a client of this gate is told that it does not get what it asks for. */
  readonly refuse: RegistryProtocol['refuse'];
  readonly log: (message: string) => void;
}

/** Listens as {@link openServer} does. */
export async function openGate(
  parts: GateParts,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  const proven = openProven(parts.upstreams.ask);
  return openServer(
    async (request, response, address) => serve({ ...parts, proven }, address, request, response),
    parts.log,
    where,
  );
}

async function serve(
  parts: GateParts & { readonly proven: Proven },
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  // Who has it all is not gone; and what is aborted has a stack, which takes as long as a short answer.
  response.once('close', () => void (response.writableFinished || gone.abort()));
  const turnedAway = checkHeaders(request, address);
  if (turnedAway) return reply(response, plain(turnedAway.status, turnedAway.reason));
  const { named, admitted } = await admittedOf(parts, request);
  if (!admitted) return reply(response, plain(401, 'this address serves commands started by pyrsia only'));
  const owner = await ownerOf(request.socket);
  // Of who shows no credential it has to be known.
  if ((owner !== undefined || named) && owner !== process.getuid?.()) {
    return reply(response, plain(403, 'this address serves another user'));
  }
  if (admitted instanceof PyrsiaError) return reply(response, parts.refuse('refused', admitted.message));
  const asker = parts.proven(admitted, request.headers);
  if (!asker) return reply(response, asking(admitted));

  const { method = 'GET', headers } = request;
  const url = named?.url ?? request.url ?? '/';
  const [path, query] = addressOf({ url });
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

/** Who asks, by a credential of ours; else by the name of a launch whose tool shows what it has to the registry. */
async function admittedOf(
  { admit, admitNamed }: GateParts,
  request: IncomingMessage,
): Promise<{
  readonly named?: ReturnType<typeof namedIn>;
  readonly admitted: Asker | PyrsiaError | undefined;
}> {
  const named = namedIn(request.url ?? '/');
  const credential = named ? undefined : credentialOf(request);
  if (credential !== undefined) return { admitted: await admit(credential).catch(reasonOf) };
  const admitted = named && (await admitNamed?.(named.name).catch(reasonOf));
  return { named, admitted: admitted instanceof PyrsiaError || admitted?.proof ? admitted : undefined };
}

/** Asks for a name and a password, which is what the tool waits for before it shows them. */
function asking({ upstream: { url } }: Asker): Reply {
  return {
    ...plain(401, `${url.host} may want to know who asks`),
    headers: { 'www-authenticate': `Basic realm="${url.host}"` },
  };
}

function reasonOf(error: unknown): PyrsiaError {
  if (error instanceof PyrsiaError) return error;
  throw error;
}

function refusalFor(error: PyrsiaError): 'refused' | 'unavailable' {
  return outcomeOf(error) === 'refused' ? 'refused' : 'unavailable';
}
