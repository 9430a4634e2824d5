/**
 * What can go wrong on the way to an upstream, and what follows from it.
 *
 * @module
 */

/** Failures after which trying again at once makes sense. */
export const TRANSIENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
]);

/** Failures of the way to an origin, whatever is asked there. */
export const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Failures of an origin that was reached, which may be those of one request alone. */
export const UNANSWERED: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** What went wrong in a person's words, and as a code. */
export function failureOf(
  error: unknown,
  silenceMs: number,
): { readonly reason: string; readonly code: string } {
  const { code = '', message } = deepest(error);
  const known: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    ENOTFOUND: 'host not found',
    EAI_AGAIN: 'host name could not be looked up',
    ENETUNREACH: 'network unreachable',
    EHOSTUNREACH: 'host unreachable',
    ETIMEDOUT: 'no connection in time',
    UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
    UND_ERR_HEADERS_TIMEOUT: `no answer within ${silenceMs / 1000} s`,
    UND_ERR_BODY_TIMEOUT: `nothing more for ${silenceMs / 1000} s`,
    UND_ERR_SOCKET: 'connection closed before the answer was complete',
    UND_ERR_HEADERS_OVERFLOW: 'reply headers too large',
  };
  return { reason: known[code] ?? (code ? `${message} (${code})` : message), code };
}

/** The error at the bottom: undici and node:net wrap what matters. */
function deepest(error: unknown): { code?: string; message: string } {
  let found: unknown = error;
  for (let depth = 0; depth < 5; depth++) {
    if (found instanceof AggregateError && found.errors.length > 0) found = found.errors[0];
    else if (found instanceof Error && found.cause instanceof Error) found = found.cause;
    else break;
  }
  if (!(found instanceof Error)) return { message: String(found) };
  const code = 'code' in found && typeof found.code === 'string' ? found.code : undefined;
  return { message: found.message, ...(code === undefined ? {} : { code }) };
}

/** Reads Retry-After, seconds or an HTTP date (RFC 9110 §10.2.3), as milliseconds from now. */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
