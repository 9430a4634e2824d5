/**
 * What the registries say when they are asked as the agent would ask them: same connection, same trust, and to
 * each the credentials that npm itself would show there.
 *
 * @module
 */
import { connect } from 'node:net';
import { failureOf } from '../proxy/failure.ts';
import { openUpstreams } from '../proxy/upstream.ts';
import type { ConnectionSettings, ToolSettings, UpstreamSettings } from '../shims/settings.ts';
import { leadsToUs } from './own-address.ts';

/** How long a registry may take to answer, in milliseconds. */
const ANSWER_MS = 4_000;

/** What came of asking one registry. */
export interface Asked {
  readonly upstream: UpstreamSettings;
  /** The proxy on the way there, if there is one. */
  readonly proxy?: string;
  readonly outcome: Answered | Unanswered;
}

/** Somebody answered. */
export interface Answered {
  readonly status: number;
  /** What its clock says less what ours says, in milliseconds; undefined when it does not say. */
  readonly aheadMs: number | undefined;
}

/** Nobody did, and why: in words, as the system's code, and whether it was the proxy that could not be reached. */
export interface Unanswered {
  readonly reason: string;
  readonly code: string;
  readonly atProxy: boolean;
}

/**
 * Asks each registry of `settings`, all at once, except our own addresses; `state` is where our ports are kept.
 * Never rejects.
 */
export async function askUpstreams(
  { upstreams, connection }: ToolSettings,
  { state, signal }: { readonly state: string; readonly signal: AbortSignal },
): Promise<readonly Asked[]> {
  // Of glibc's resolver: a name server that is silent would hold up the end of the process for ten seconds.
  process.env['RES_OPTIONS'] ??= 'timeout:1 attempts:2';
  await using asking = openUpstreams({ silenceMs: ANSWER_MS });
  const others = upstreams.filter(
    ({ url, unsupported }) => !leadsToUs(url, state) && unsupported === undefined,
  );
  const distinct = new Map(others.map((upstream) => [upstream.url, upstream]));
  return await Promise.all([...distinct.values()].map(ask));

  async function ask(upstream: UpstreamSettings): Promise<Asked> {
    const proxy = proxyTo(new URL(upstream.url), connection);
    const about = { upstream, ...(proxy !== undefined && { proxy }) };
    const { authorization } = upstream;
    const path = authorization === undefined ? '-/ping' : '-/whoami';
    const late = AbortSignal.timeout(ANSWER_MS);
    try {
      const askedAt = Date.now();
      const reply = await asking.ask({
        url: new URL(path, upstream.url),
        connection,
        signal: AbortSignal.any([signal, late]),
        headers: authorization === undefined ? {} : { authorization },
      });
      const answeredAt = Date.now();
      await reply.discard();
      const date = Date.parse(reply.headers['date'] ?? '') + Number(reply.headers['age'] ?? 0) * 1000;
      const aheadMs = Number.isNaN(date) ? undefined : ahead(date, askedAt, answeredAt);
      return { ...about, outcome: { status: reply.status, aheadMs } };
    } catch (error) {
      const failure = late.aborted
        ? { reason: `no answer within ${ANSWER_MS / 1000} s`, code: 'ETIMEDOUT' }
        : failureOf(error, ANSWER_MS);
      const atProxy = proxy !== undefined && !(await accepts(new URL(proxy), signal));
      return { ...about, outcome: { ...failure, atProxy } };
    }
  }
}

/** How far `date`, which counts whole seconds, lies outside of the time in which it was said. */
function ahead(date: number, from: number, to: number): number {
  if (date > to) return date - to;
  return date + 1000 < from ? date + 1000 - from : 0;
}

/** The proxy by which `url` is reached, as undici decides it from the same settings. */
function proxyTo({ protocol, hostname, port }: URL, connection: ConnectionSettings): string | undefined {
  const proxy = protocol === 'https:' ? connection.httpsProxy : connection.httpProxy;
  const without = (connection.noProxy ?? '').split(/[\s,]+/).filter(Boolean);
  const isExcepted = without.some((entry) => {
    const [name = '', only] = entry.toLowerCase().split(':');
    const bare = name.replace(/^\*?\./, '');
    return name === '*' || ((hostname === bare || hostname.endsWith(`.${bare}`)) && (!only || only === port));
  });
  return proxy === undefined || isExcepted ? undefined : proxy;
}

function accepts({ hostname, port, protocol }: URL, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname,
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS / 4)]),
    });
    const settle = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}
