import type { Reply } from '../ecosystem.ts';

/** The most characters of a message that Maven is asked to print. */
const PHRASE_LIMIT = 300;

/**
 * A refusal that Maven prints, which shows no body, but the phrase behind the status. It must be neither 404, which Maven
 * keeps in the user's repository as "there is none", nor 503 or 429, which it asks for again, waiting longer each time.
 *
 * @see https://maven.apache.org/resolver/configuration.html (aether.transport.http.retryHandler.serviceUnavailable)
 */
export function refuse(kind: 'refused' | 'unavailable', message: string): Reply {
  const phrase = message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\x20-\x7e]/gu, '?')
    .trim();
  return {
    ...plain(kind === 'refused' ? 403 : 424, message),
    phrase: `pyrsia: ${phrase}`.slice(0, PHRASE_LIMIT),
  };
}

/** There is none. */
export const ABSENT: Reply = plain(404, 'upstream has none');

function plain(status: number, message: string): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `pyrsia: ${message}\n` };
}
