/**
 * The local server of images, for every registry: `/v2/<registry>/<repository>/…`. The API is fixed at `/v2/`, so
 * the registry is the first component of the name, after the launch's public name where a client is led to us
 * with that: clients of mirrors show no credential, and are let in because they belong to the same user.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { giveBack } from '../content/buffers.ts';
import type { Digest } from '../content/digest.ts';
import type { Headers, Reply, Route } from '../ecosystems/ecosystem.ts';
import {
  canonical,
  DEFAULT_REGISTRY,
  isRegistry,
  OFFICIAL,
  registryOf,
  segmentOf,
} from '../ecosystems/oci/names.ts';
import { oci } from '../ecosystems/oci/oci.ts';
import { imageError } from '../ecosystems/oci/refuse.ts';
import { BLOB } from '../ecosystems/oci/route.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { isLaunchId } from '../shims/launch.ts';
import { checkHeaders, ownerOf } from './admission.ts';
import { reply } from './answer.ts';
import type { Delivery } from './artifact-service.ts';
import { closed } from './body.ts';
import { outcomeOf } from './outcome.ts';
import { passedOn } from './asker.ts';
import { decoded } from './documents.ts';
import type { ImageAsker, ImageName } from './image-asker.ts';
import type { Manifest } from './image-content.ts';
import type { ImageService } from './images.ts';
import { leavingBy } from './leaving.ts';
import { rangeIn } from './range.ts';
import { addressOf, type Gate, openServer, plain } from './server.ts';

/** What a gate of images works with. */
export interface ImageGateParts {
  readonly images: ImageService;
  /**
   * Who asks: the launch of this public name, or without one whoever belongs to the same user. Undefined for
   * strangers. A launch that cannot be served is a PyrsiaError, which its tool is told.
   */
  readonly admit: (launch: string | undefined) => Promise<ImageAsker | undefined>;
  readonly log: (message: string) => void;
}

/** Listens as {@link openServer} does. */
export async function openImageGate(
  parts: ImageGateParts,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  return openServer(async (...exchange) => serve(parts, ...exchange), parts.log, where);
}

/** Where a registry is, as a client writes it in front of a repository's name; undefined where it cannot be written. */
export function mirrorOf(base: string, registry: string, launch?: string): string | undefined {
  const segment = segmentOf(registry);
  if (segment === undefined) return undefined;
  return [new URL(base).host, ...(launch === undefined ? [] : [launch]), segment].join('/');
}

/** A request, admitted and understood. */
interface Call {
  readonly images: ImageService;
  readonly asker: ImageAsker;
  readonly image: ImageName;
  /** What stands in front of everything below this repository, at our address. */
  readonly root: string;
  readonly headers: Headers;
  readonly isHead: boolean;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

async function serve(
  { images, admit, log }: ImageGateParts,
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
): Promise<void> {
  const gone = new AbortController();
  // Who has it all is not gone; and what is aborted has a stack, which takes as long as a short answer.
  response.once('close', () => void (response.writableFinished || gone.abort()));
  const turnedAway = checkHeaders(request, address);
  if (turnedAway) return reply(response, plain(turnedAway.status, turnedAway.reason));
  const owner = await ownerOf(request.socket);
  // An engine runs as root and asks for its users.
  if (owner !== 0 && owner !== process.getuid?.())
    return reply(response, imageError('DENIED', 'this address serves another user'));

  const { method = 'GET' } = request;
  const [path, query] = addressOf(request);
  const headers = passedOn(request.headers);
  const named = nameIn(path, query);
  const { registry: protocol } = oci;
  const route = protocol.route(method, named?.inner ?? path, named?.query ?? query, headers);
  if (route.kind === 'answer') return reply(response, route.reply);
  if (route.kind === 'refused') return reply(response, unsupported(method, route.reason));
  if (!named) return reply(response, imageError('NAME_UNKNOWN', `${path} names no registry`));

  try {
    const asker = await admit(named.launch);
    if (!asker)
      return reply(response, imageError('DENIED', 'this address serves commands started by pyrsia only'));
    const call: Call = {
      ...named,
      images,
      asker,
      headers,
      isHead: method === 'HEAD',
      response,
      signal: gone.signal,
    };
    await answer(call, route);
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) {
      if (!gone.signal.aborted) log(`Gave up ${path}: ${String(error)}`);
      return void response.destroy();
    }
    if (!(error instanceof PyrsiaError)) throw error;
    reply(response, refusal(error));
  }
}

/** An address taken apart: who asks whom for what. `inner` and `query` are what is asked at that registry. */
function nameIn(
  path: string,
  query: string,
): { launch?: string; image: ImageName; root: string; inner: string; query: string } | undefined {
  const [first = '', ...others] = path.startsWith('/v2/') ? path.slice('/v2/'.length).split('/') : [];
  const launch = isLaunchId(first) ? first : undefined;
  const all = launch === undefined ? [first, ...others] : others;
  // Clients of containerd name the registry besides, whoever they ask.
  const namespace = new URLSearchParams(query).get('ns');
  // A daemon has us for a mirror of docker's own registry, of which it names the repository alone.
  const isMirror = namespace === null && launch === undefined && registryOf(all[0]!) === undefined;
  const segment = namespace === null && !isMirror ? all[0]! : undefined;
  const registry =
    segment !== undefined ? registryOf(segment) : isMirror ? DEFAULT_REGISTRY : namespaceIn(namespace ?? '');
  const rest = segment === undefined ? all : all.slice(1);
  const name = rest.slice(0, -2).join('/');
  if (registry === undefined || name === '') return undefined;
  const repository = registry === DEFAULT_REGISTRY && !name.includes('/') ? `${OFFICIAL}${name}` : name;
  return {
    ...(launch === undefined ? {} : { launch }),
    image: { registry, repository },
    root: ['/v2', launch, segment, name].filter((each) => each !== undefined).join('/'),
    inner: `/v2/${[repository, ...rest.slice(-2)].join('/')}`,
    query: query
      .split('&')
      .filter((each) => !each.startsWith('ns='))
      .join('&'),
  };
}

function namespaceIn(text: string): string | undefined {
  const registry = canonical(text);
  return isRegistry(registry) ? registry : undefined;
}

async function answer(call: Call, route: Route): Promise<void> {
  const { images, asker, image, signal } = call;
  if (route.kind === 'artifact' && route.claimed !== undefined) {
    const asked = { image, digest: route.claimed, signal };
    if (route.coordinates.file === BLOB) return blob(call, route.claimed);
    return sendManifest(call, await images.manifest(asker, asked), {});
  }
  if (route.kind !== 'metadata') throw new Error(`No such route: ${route.kind}`);
  const [, tag] = /\/manifests\/([^/]+)$/.exec(route.path) ?? [];
  if (tag !== undefined) {
    if (route.accept === '')
      return reply(call.response, imageError('MANIFEST_UNKNOWN', 'no type of a manifest is accepted'));
    const found = await images.tag(asker, { image, tag, accept: route.accept, signal });
    return sendManifest(call, found, { tag });
  }
  return list(call, route);
}

function sendManifest(
  { asker, image, response, headers, isHead }: Call,
  found: Manifest | undefined,
  by: { readonly tag?: string },
): void {
  if (!found) return reply(response, imageError('MANIFEST_UNKNOWN', 'there is no such manifest'));
  asker.gave?.({ image, ...by, digest: found.digest, body: found.body });
  const etag = `"${found.digest}"`;
  if (headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
  response.writeHead(200, {
    'content-type': found.mediaType,
    'content-length': found.body.byteLength,
    'docker-content-digest': found.digest,
    etag,
    ...(found.from === 'stale' ? { warning: '110 pyrsia "Response is Stale"' } : {}),
  });
  response.end(isHead ? undefined : found.body);
}

async function blob(call: Call, digest: Digest): Promise<void> {
  const { images, asker, image, headers, isHead, response, signal } = call;
  const asked = { image, digest, signal };
  const about = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  };
  const delivery = isHead ? undefined : await images.blob(asker, asked);
  const found = isHead ? await images.look(asker, asked) : delivery;
  if (!found) return reply(response, imageError('BLOB_UNKNOWN', `there is no blob ${digest}`));
  const { size } = found;
  const range = size === undefined ? undefined : rangeIn(headers['range'], size);
  if (range === 'unsatisfiable') {
    if (delivery) await closed(delivery.chunks);
    response.writeHead(416, { 'content-range': `bytes */${size}` });
    return void response.end();
  }
  const length = range ? range.end - range.start : size;
  response.writeHead(range ? 206 : 200, {
    ...about,
    ...(length === undefined ? {} : { 'content-length': length }),
    ...(range ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${size}` } : {}),
  });
  if (delivery) await send(call, delivery, range);
  else response.end();
}

/** Sends content, or a part of it. The last piece waits until all of it is known to be right, and reported. */
async function send(
  { asker, response, signal }: Call,
  delivery: Delivery,
  { start, end }: { readonly start: number; readonly end: number } = { start: 0, end: Infinity },
): Promise<void> {
  const leaving = leavingBy(response, signal);
  let last: Uint8Array | undefined;
  let at = 0;
  for await (const chunk of delivery.chunks) {
    const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += chunk.byteLength;
    if (piece.byteLength === 0) {
      giveBack(chunk);
      continue;
    }
    if (last) await leaving.add(last);
    last = piece;
  }
  await asker.reporter.add(await delivery.line());
  response.end(last);
}

/** Lists go on at addresses that they name, which are to be ours. */
async function list(call: Call, { path, accept }: Route & { readonly kind: 'metadata' }): Promise<void> {
  const { images, asker, image, root, isHead, response } = call;
  const rest = path.slice(`/v2/${image.repository}/`.length);
  const found = await images.list(asker, { image, rest, accept });
  if (!found?.document) return reply(response, imageError('NAME_UNKNOWN', 'there is no such list'));
  const { document, from } = found;
  const body = await decoded(document);
  const { link, 'oci-filters-applied': filters } = document.headers;
  const [, next] = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? [];
  const search = next === undefined ? undefined : URL.parse(next, 'http://registry.invalid/')?.search;
  response.writeHead(200, {
    'content-type': document.headers['content-type'] ?? accept,
    'content-length': body.byteLength,
    ...(search ? { link: `<${root}/${rest.replace(/\?.*$/, '')}${search}>; rel="next"` } : {}),
    ...(filters === undefined ? {} : { 'oci-filters-applied': filters }),
    ...(from === 'stale' ? { warning: '110 pyrsia "Response is Stale"' } : {}),
  });
  response.end(isHead ? undefined : body);
}

function unsupported(method: string, reason: string): Reply {
  return imageError(method === 'GET' || method === 'HEAD' ? 'NAME_INVALID' : 'UNSUPPORTED', reason);
}

function refusal(error: PyrsiaError): Reply {
  if (isPyrsiaError(error, 'CREDENTIALS_NEEDED')) return imageError('DENIED', error.message);
  const [isTooMuch, after] =
    /^status 429(?:, Retry-After: (.*))?$/.exec(
      isPyrsiaError(error, 'UPSTREAM_FAILED') ? error.details.reason : '',
    ) ?? [];
  if (isTooMuch !== undefined) {
    const told = imageError('TOOMANYREQUESTS', error.message);
    // Engines wait as long as they would have to without us.
    return after === undefined ? told : { ...told, headers: { ...told.headers, 'retry-after': after } };
  }
  return oci.registry.refuse(outcomeOf(error) === 'refused' ? 'refused' : 'unavailable', error.message);
}
