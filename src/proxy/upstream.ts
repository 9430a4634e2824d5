/**
 * Asking the registry that the user configured: retries, redirects, proxies, and the memory of who did
 * not answer. Nothing here knows an ecosystem.
 *
 * @module
 */
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Headers } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import { piecesOf } from './body.ts';
import { openConnections, type Spare } from './connections.ts';
import { dispatcherOf, keyOf, load, shownTo, type Undici } from './dispatchers.ts';
import { failureOf, retryAfterMs, TRANSIENT, UNANSWERED, UNREACHABLE } from './failure.ts';
import { openSilence } from './silence.ts';

/** How often one request is tried. */
const ATTEMPTS = 3;
/** First pause before another try, in milliseconds; doubles, and varies by half. */
const PAUSE_MS = 150;
/** The longest Retry-After that is waited for, in milliseconds. */
const RETRY_AFTER_LIMIT_MS = 20_000;
/** How many redirects are followed, as npm does. */
const REDIRECTS = 10;
/** How long an upstream that could not be reached is left alone but for one probe, in milliseconds. */
const REST_MS = 5_000;
/** Bodies of up to so many bytes are not passed on before they are whole: 64 KiB. */
const SHORT = 64 * 2 ** 10;
/** How long nothing is fetched ahead where upstream is asked too much, and does not say for how long, in milliseconds. */
const LESS_MS = 60_000;

/** A request to an upstream. */
export interface UpstreamRequest {
  readonly method?: string;
  readonly url: URL;
  readonly headers?: Headers;
  /** Headers besides, which are for the origin of `url` alone. */
  readonly own?: Headers;
  readonly body?: Readable;
  readonly connection: ConnectionSettings;
  readonly signal?: AbortSignal;
  /** Nobody waits for it: it is asked on a connection that is {@link Upstreams.spare}. */
  readonly ahead?: boolean;
}

/** An upstream's reply. The body is read to the end or {@link UpstreamReply.discard}ed. */
export interface UpstreamReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the reply came from, after redirects; without userinfo and query. */
  readonly url: string;
  discard(): Promise<void>;
}

/** Upstreams, asked. */
export interface Upstreams extends AsyncDisposable {
  /**
   * Sends a request and resolves with whatever status came. A request without a body is tried again,
   * with pauses, when the connection fails or the answer is 429 or 5xx. Redirects are followed with
   * Authorization, and whatever is the origin's own, left behind at another one.
   *
   * @throws PyrsiaError `UPSTREAM_FAILED` when nobody answered.
   */
  ask(this: void, asked: UpstreamRequest): Promise<UpstreamReply>;
  /**
   * A connection to `url` for something that nobody waits for yet, once fewer than `most` are in use;
   * undefined when `signal` aborts first, and where upstream does not answer or wants to be asked less.
   */
  spare(
    url: URL,
    connection: ConnectionSettings,
    options: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<Spare | undefined>;
  /** Resolves once `url` has answered nobody for two seconds, as `Silence` has it. */
  silence(this: void, url: URL, connection: ConnectionSettings, signal: AbortSignal): Promise<void>;
  /** Origins that did not answer lately. */
  unreachable(): string[];
  /** Loads what asking takes, for which the first request would have to wait. */
  prepare(): Promise<void>;
}

/** Opens connections as they are needed. `silenceMs`: how long an upstream may say nothing before it has failed. */
export function openUpstreams(about: { readonly silenceMs: number; readonly now?: () => number }): Upstreams {
  const { silenceMs, now = Date.now } = about;
  const dispatchers = new Map<string, Dispatcher>();
  const answered = new Map<string, number>();
  const resting = new Map<string, { readonly origin: string; until: number; readonly reason: string }>();
  const connections = openConnections(now);
  const silence = openSilence(() => performance.now());

  function dispatcherFor(undici: Undici, connection: ConnectionSettings): Dispatcher {
    const key = keyOf(connection);
    let dispatcher = dispatchers.get(key);
    if (!dispatcher) dispatchers.set(key, (dispatcher = dispatcherOf(undici, connection, silenceMs)));
    return dispatcher;
  }

  /** Whether it is still to be left alone. A clock that was set back makes no rest longer. */
  const rests = (until: number): boolean => until > now() && until <= now() + REST_MS;

  /** Lets one probe through at a time while an origin rests. */
  function checkRest(url: URL, connection: ConnectionSettings): void {
    const rest = resting.get(wayTo(url, connection));
    if (!rest) return;
    if (rests(rest.until)) throw new PyrsiaError('UPSTREAM_FAILED', { url: shown(url), reason: rest.reason });
    rest.until = now() + REST_MS;
  }

  async function once(asked: UpstreamRequest, url: URL, headers: Headers): Promise<Answered> {
    const undici = await load();
    const reply = await undici.request(url, {
      method: asked.method ?? 'GET',
      headers,
      dispatcher: dispatcherFor(undici, shownTo(url, asked.connection)),
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      ...(asked.body ? { body: asked.body as Dispatcher.DispatchOptions['body'] & object } : {}),
      ...(asked.signal ? { signal: asked.signal } : {}),
    });
    const way = wayTo(url, asked.connection);
    resting.delete(way);
    answered.set(way, now());
    silence.heard(way);
    const flat: Record<string, string> = {};
    for (const [name, value] of Object.entries(reply.headers)) {
      if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    const after = retryAfterMs(flat['retry-after'], now());
    if (reply.statusCode === 429 || (reply.statusCode === 503 && after !== undefined))
      connections.tooMuch(wayTo(asked.url, asked.connection), after ?? LESS_MS);
    return {
      status: reply.statusCode,
      headers: flat,
      body: told(isShort(flat) ? gathered(reply.body) : piecesOf(reply.body), silenceMs),
      url: shown(url),
      discard: async () => reply.body.dump(),
      onClosed: (over) => void reply.body.once('close', over),
    };
  }

  async function following(asked: UpstreamRequest, hop: Hop): Promise<Answered> {
    let headers: Headers = { ...asked.headers, ...asked.own };
    for (let hops = 0; ; hops++) {
      const { url } = hop;
      checkRest(url, asked.connection);
      hop.since = now();
      const reply = await once(asked, url, headers);
      const location = reply.headers['location'];
      if (asked.body || location === undefined || ![301, 302, 303, 307, 308].includes(reply.status))
        return reply;
      await reply.discard();
      if (hops === REDIRECTS) throw new Error(`more than ${REDIRECTS} redirects`);
      const next = URL.parse(location, url.href);
      if (!next || !/^https?:$/.test(next.protocol))
        throw new Error(`redirected to "${location.slice(0, 200)}"`);
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new Error('redirected from https to http');
      if (next.origin !== url.origin)
        headers = without(headers, 'authorization', 'cookie', ...Object.keys(asked.own ?? {}));
      hop.url = next;
    }
  }

  /** Spares everybody the same wait. Where others are being answered, only this one request has gone wrong. */
  function layToRest(
    { url, since }: Hop,
    connection: ConnectionSettings,
    code: string,
    reason: string,
  ): void {
    const way = wayTo(url, connection);
    const answers = (answered.get(way) ?? -Infinity) >= since - silenceMs;
    if (UNREACHABLE.has(code) || (UNANSWERED.has(code) && !answers))
      resting.set(way, { origin: url.origin, until: now() + REST_MS, reason });
  }

  async function patiently(asked: UpstreamRequest): Promise<Answered> {
    for (let attempt = 1; ; attempt++) {
      asked.signal?.throwIfAborted();
      const last = attempt === ATTEMPTS || asked.body !== undefined;
      const hop: Hop = { url: asked.url, since: now() };
      let pause = PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      try {
        const reply = await following(asked, hop);
        if (last || !(reply.status === 429 || reply.status >= 500)) return reply;
        const after = retryAfterMs(reply.headers['retry-after'], now());
        if (after !== undefined && after > RETRY_AFTER_LIMIT_MS) return reply;
        await reply.discard();
        pause = Math.max(pause, after ?? 0);
      } catch (error) {
        asked.signal?.throwIfAborted();
        if (error instanceof PyrsiaError) throw error;
        const { reason, code } = failureOf(error, silenceMs);
        if (last || !TRANSIENT.has(code)) {
          layToRest(hop, asked.connection, code, reason);
          throw new PyrsiaError('UPSTREAM_FAILED', { url: shown(hop.url), reason }, { cause: error });
        }
      }
      await delay(pause, undefined, asked.signal ? { signal: asked.signal } : {});
    }
  }

  return {
    async ask(asked) {
      if (asked.ahead) return patiently(asked);
      const over = connections.use(wayTo(asked.url, asked.connection));
      try {
        const reply = await patiently(asked);
        reply.onClosed(over);
        return reply;
      } catch (error) {
        over();
        throw error;
      }
    },
    async spare(url, connection, options) {
      const way = wayTo(url, connection);
      if (rests(resting.get(way)?.until ?? 0)) return undefined;
      return connections.spare(way, options);
    },
    silence: async (url, connection, signal) => silence.of(wayTo(url, connection), signal),
    unreachable: () => {
      const origins = [...resting.values()].filter(({ until }) => rests(until)).map(({ origin }) => origin);
      return [...new Set(origins)];
    },
    prepare: async () => void (await load()),
    async [Symbol.asyncDispose]() {
      await Promise.all([...dispatchers.values()].map(async (dispatcher) => dispatcher.destroy()));
    },
  };
}

/** A reply that tells when its connection is free again. */
interface Answered extends UpstreamReply {
  onClosed(this: void, over: () => void): void;
}

/** Where a request has got to by redirects, and since when it waits there. */
interface Hop {
  url: URL;
  since: number;
}

/** An origin that one user's proxy does not reach may well be there for others. */
function wayTo(url: URL, connection: ConnectionSettings): string {
  return `${url.origin} ${keyOf(connection)}`;
}

/** Whether a body is so short that nobody has to wait for the rest of it. */
function isShort(headers: Headers): boolean {
  return Number(headers['content-length'] ?? Infinity) <= SHORT;
}

/** All that comes of a short body, at once: to iterate over a stream takes longer than all else that is done with it. */
async function* gathered(body: Readable): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  body.on('data', (chunk: Uint8Array) => void chunks.push(chunk));
  body.once('error', resolve).once('end', () => resolve(undefined));
  body.once('close', () => resolve(new Error('the answer was broken off')));
  const error = await promise;
  yield* chunks;
  if (error) throw error;
}

/** The body, whose failures are told in a person's words. */
async function* told(body: AsyncIterable<Uint8Array>, silenceMs: number): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new Error(failureOf(error, silenceMs).reason, { cause: error });
  }
}

/** Says which status came instead of an answer, and when upstream wants to be asked again. */
export function statusOf({ status, headers }: Pick<UpstreamReply, 'status' | 'headers'>): string {
  const after = headers['retry-after'];
  return `status ${status}${after === undefined ? '' : `, Retry-After: ${after.slice(0, 40)}`}`;
}

/** Headers without some of them. */
function without(headers: Headers, ...names: string[]): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

/** A URL for messages: without userinfo and query. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
