import type { Reply } from '../ecosystem.ts';

/** The most characters of a message that npm is asked to print. */
const NOTICE_LIMIT = 500;

/**
 * A refusal that npm prints and does not try again: npm shows `error` of the body behind the status that it
 * fails with. The `npm-notice` header it shows of every answer, also where it goes on without a package: right
 * for what is refused, a wall of lines when nothing can be had. It would spend 70 s on a 503; 424 stops it at once.
 */
export function refuse(kind: 'refused' | 'unavailable', message: string): Reply {
  const notice = message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\x20-\x7e]/gu, '?')
    .trim();
  return {
    status: kind === 'refused' ? 403 : 424,
    headers: {
      'content-type': 'application/json',
      ...(kind === 'refused' && { 'npm-notice': notice.slice(0, NOTICE_LIMIT) }),
    },
    body: JSON.stringify({ error: message }),
  };
}
