/**
 * Submitting an artifact to the authorities of a network, as a client.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { countIn, membersOf, textIn } from '../log/shape.ts';
import type { Post } from './ask-authority.ts';
import type { PublicArtifact } from './observing.ts';

/** What was written down of an artifact. */
export interface SubmittedEntry {
  readonly entry: number;
  readonly kind: string;
  readonly purl: string;
  readonly sha256: string;
  readonly dispute?: number;
}

/** What came of a submission. */
export type Submission =
  | SubmittedEntry
  /** Nothing more may be submitted for so many seconds. */
  | { readonly waitS: number }
  /** The authorities do not write this down: the registry has none, it is private, or they have not agreed. */
  | { readonly refused: string; readonly status: number };

/** How long to wait where nobody says, in seconds. */
const WAIT_S = 60;

/**
 * Submits an artifact to the authorities whose log is at `log`, and resolves when its entry is final. Rejects with
 * `UPSTREAM_FAILED` where they cannot be asked, `DOCUMENT_INVALID`.
 */
export async function submitTo(
  log: string,
  { where }: Pick<PublicArtifact, 'where'>,
  post: Post,
  signal: AbortSignal,
): Promise<Submission> {
  const url = new URL('submit', log.replace(/\/?$/, '/'));
  const reply = await post(url, Buffer.from(JSON.stringify({ purl: where.purl })), signal);
  const text = reply.body.toString();
  if (reply.status === 429)
    return { waitS: Number(/^\d{1,5}$/.exec(reply.headers['retry-after'] ?? '')?.[0] ?? WAIT_S) };
  const told = `status ${reply.status}: ${text.slice(0, 300).trim()}`;
  if (reply.status >= 400 && reply.status < 500) return { refused: told, status: reply.status };
  if (reply.status !== 200) throw new PyrsiaError('UPSTREAM_FAILED', { url: url.href, reason: told });
  return submittedIn(text, url.href);
}

/** @throws PyrsiaError `DOCUMENT_INVALID` */
function submittedIn(text: string, what: string): SubmittedEntry {
  try {
    const required = ['entry', 'kind', 'purl', 'sha256'];
    const members = membersOf(JSON.parse(text), 'the answer', required, ['dispute']);
    return {
      entry: countIn(members, 'entry'),
      kind: textIn(members, 'kind'),
      purl: textIn(members, 'purl'),
      sha256: textIn(members, 'sha256'),
      ...(members['dispute'] !== undefined && { dispute: countIn(members, 'dispute') }),
    };
  } catch (error) {
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: error instanceof Error ? error.message : '' });
  }
}
