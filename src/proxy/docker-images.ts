/**
 * What a docker daemon is asked for images, answered through us: pulls of one image. Where we cannot, the request is
 * the daemon's, as it came; where we must not be passed by, it is refused.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import {
  credentialIn,
  type HandedOver,
  type ImageAskedFor,
  imageAskedFor,
  nameOf,
} from '../ecosystems/oci/docker-api.ts';
import type { ImageReference } from '../ecosystems/oci/reference.ts';
import type { DockerEngine } from './docker-engine.ts';
import { type DockerProgress, type DockerPull, pullFromUs } from './docker-pull.ts';
import type { DockerExchange } from './docker-socket.ts';
import type { GivenImage } from './given-manifests.ts';

/** Whose images these are. */
export interface DockerImagesParts {
  readonly engine: DockerEngine;
  /** An image's name at our address, without tag and digest; undefined where it cannot be had there. */
  ours(this: void, image: ImageReference): string | undefined;
  /** Uses a credential for images of this registry. */
  lend(this: void, registry: string, credential: HandedOver): void;
  /** What of an image was given of which something came from upstream since then, in milliseconds since 1970. */
  given(this: void, image: ImageReference, since: number): GivenImage | undefined;
  /** Whether the daemon may ask this registry whether it is there. */
  mayAsk(this: void, registry: string): boolean;
  /** Why the daemon must not fetch what we do not deliver; undefined where it may. */
  readonly strict: string | undefined;
  /** Why we last did not deliver something of an image; a daemon does not pass that on. */
  whyNot(this: void, image: ImageReference): string | undefined;
  /** Says in the receipt what went past us. */
  note(this: void, text: string): void;
}

/** Answers `exchange`, and resolves to whether it did. Never rejects. */
export async function answerImages(parts: DockerImagesParts, exchange: DockerExchange): Promise<boolean> {
  const { method, target, headers, signal } = exchange;
  const asked = method === 'POST' ? imageAskedFor(target) : undefined;
  const ours = asked && parts.ours(asked.image);
  if (!asked || ours === undefined) {
    const isPull = method === 'POST' && /\/images\/create\?(?:.*&)?fromImage=/.test(target);
    if (!isPull) return false;
    const problem = `docker was asked for what pyrsia does not fetch: ${target.slice(0, 200)}`;
    if (!asked && parts.strict !== undefined) {
      replyTo(exchange).refuse(whyRefused(parts, problem));
      return true;
    }
    parts.note(problem);
    return false;
  }
  const auth = headers.get('x-registry-auth');
  const credential = credentialIn(auth);
  if (credential) parts.lend(asked.image.registry, credential);

  const reply = replyTo(exchange);
  const pull = { asked, ours, ...(auth === undefined ? {} : { auth }), ...howToPull(parts, asked), signal };
  const failed = await pullFromUs(parts.engine, pull, reply);
  if (failed === undefined) {
    reply.end();
    return true;
  }
  if (signal.aborted) return true;
  if (parts.strict !== undefined) {
    const why = parts.whyNot(asked.image) ?? `${nameOf(asked.image)}: ${failed}`;
    reply.refuse(whyRefused(parts, why));
    return true;
  }
  parts.note(`${nameOf(asked.image)} did not come through pyrsia, docker was to fetch it itself: ${failed}`);
  if (!reply.begun) return false;
  await instead(parts.engine, exchange, reply);
  return true;
}

/**
 * Has the daemon pull an image through us that somebody is about to need. Resolves to why that could not be done, if it could
 * not. Never rejects.
 */
export async function fetchAhead(
  parts: DockerImagesParts,
  asked: ImageAskedFor,
  how: Pick<DockerPull, 'auth' | 'signal'>,
): Promise<string | undefined> {
  const name = nameOf(asked.image);
  const ours = parts.ours(asked.image);
  if (ours === undefined) return `${name} is not fetched by pyrsia`;
  const pull = { asked, ours, ...howToPull(parts, asked), ...how };
  const failed = await pullFromUs(parts.engine, pull, { begin() {}, line() {} });
  if (failed === undefined) return undefined;
  if (parts.strict === undefined)
    parts.note(`${name} did not come through pyrsia, docker was to fetch it itself: ${failed}`);
  return parts.whyNot(asked.image) ?? `${name}: ${failed}`;
}

/** Why something is refused for which the daemon must not ask anybody but us, in our words. */
export function whyRefused({ strict = '' }: DockerImagesParts, why: string): string {
  return `pyrsia: ${why}${why.includes(strict) ? '' : ` (${strict})`}`;
}

function howToPull(
  { mayAsk, given, strict }: DockerImagesParts,
  { image }: ImageAskedFor,
): Pick<DockerPull, 'mayAsk' | 'given' | 'patient'> {
  const since = Date.now();
  return {
    mayAsk: () => mayAsk(image.registry),
    given: () => given(image, since),
    patient: strict !== undefined,
  };
}

/** What is said of a request's body, which says nothing about an image. */
const OF_BODIES = new Set(['content-length', 'content-type', 'transfer-encoding', 'expect']);

/** Answers with an error, in the daemon's form. */
export function refuseImages(exchange: DockerExchange, message: string): void {
  replyTo(exchange).refuse(message);
}

/** Goes on with what the daemon says when it is asked as if we were not there. */
async function instead(
  engine: DockerEngine,
  { target, headers, signal }: DockerExchange,
  reply: Answering,
): Promise<void> {
  try {
    const told = [...headers].filter(([name]) => !OF_BODIES.has(name));
    const answer = await engine.ask('POST', target, { headers: Object.fromEntries(told), signal });
    if (answer.statusCode !== 200) {
      const said: unknown = JSON.parse(await text(answer));
      const isMessage = typeof said === 'object' && said !== null && 'message' in said;
      reply.refuse(isMessage ? String(said.message) : String(answer.statusCode));
      return;
    }
    for await (const line of createInterface({ input: answer, crlfDelay: Infinity }))
      if (line !== '') reply.line(`${line}\r\n`);
    reply.end();
  } catch (error) {
    reply.refuse(error instanceof Error ? error.message : String(error));
  }
}

/** An answer in the daemon's form. */
interface Answering extends DockerProgress {
  readonly begun: boolean;
  end(): void;
  /** Ends it with an error. */
  refuse(message: string): void;
}

/** Hop by hop, and what is ours to say. */
const OWN = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

function replyTo({ write }: DockerExchange): Answering {
  let begun = false;
  const chunk = (piece: string): void => write(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
  return {
    get begun() {
      return begun;
    },
    begin(rawHeaders) {
      begun = true;
      const lines = ['HTTP/1.1 200 OK'];
      for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
        const name = rawHeaders[at]!;
        if (!OWN.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1]}`);
      }
      write(`${[...lines, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`);
    },
    line: chunk,
    end: () => write('0\r\n\r\n'),
    refuse(message) {
      if (begun) {
        chunk(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
        write('0\r\n\r\n');
        return;
      }
      const body = `${JSON.stringify({ message })}\n`;
      const head = ['HTTP/1.1 500 Internal Server Error', 'Content-Type: application/json'];
      write(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    },
  };
}
