/**
 * The book of peers as a file: JSON, one peer a member of a list. What is not as it should be is nobody's, and is left out.
 *
 * @module
 */
import { isDigest } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import type { Fraud } from '../lists/fraud.ts';
import type { FaultKind } from '../wire/lane.ts';
import { keyOfPeer } from '../peer-name.ts';
import type { Ban, KnownPeer, Strike, StrikeReason } from './peer-score.ts';

const VERSION = 1;
const FAULTS: readonly FaultKind[] = ['lied', 'malformed', 'flood', 'slow', 'cut', 'none', 'busy'];
const REASONS: readonly StrikeReason[] = ['wrong-chunk', 'wrong-whole', 'fraud', 'lied'];

/** Writes a book. */
export function formatBook(peers: Iterable<KnownPeer>): string {
  return `${JSON.stringify({ version: VERSION, peers: [...peers] }, undefined, 1)}\n`;
}

/**
 * Reads a book. Times after `now` are taken for `now`: the clock was wrong then.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` when it is no book.
 */
export function parseBook(text: string, now: number): KnownPeer[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new PyrsiaError(
      'DOCUMENT_INVALID',
      { what: 'the book of peers', reason: 'it is no JSON' },
      { cause },
    );
  }
  if (!isRecord(found) || found['version'] !== VERSION || !Array.isArray(found['peers']))
    throw new PyrsiaError('DOCUMENT_INVALID', { what: 'the book of peers', reason: 'it has no peers' });
  return found['peers'].flatMap((each) => peerIn(each, now) ?? []);
}

function peerIn(value: unknown, now: number): KnownPeer | undefined {
  if (!isRecord(value)) return undefined;
  const { peer, addresses, speed, failure, ban } = value;
  if (typeof peer !== 'string' || !keyOfPeer(peer)) return undefined;
  const time = (at: unknown): number => Math.min(count(at), now);
  const kept = FAULTS.find((each) => each === failure);
  return {
    peer,
    addresses: list(addresses).filter(isAddress),
    firstSeenAt: time(value['firstSeenAt']),
    seenAt: time(value['seenAt']),
    given: count(value['given']),
    ...(typeof speed === 'number' && speed > 0 && Number.isFinite(speed) ? { speed } : {}),
    failures: count(value['failures']),
    ...(value['failedAt'] === undefined ? {} : { failedAt: time(value['failedAt']) }),
    ...(kept === undefined ? {} : { failure: kept }),
    strikes: list(value['strikes']).flatMap((each) => strikeIn(each, now) ?? []),
    bans: count(value['bans']),
    ...banIn(ban),
    frauds: list(value['frauds']).filter(isFraud),
  };
}

function strikeIn(value: unknown, now: number): Strike | undefined {
  if (!isRecord(value)) return undefined;
  const reason = REASONS.find((each) => each === value['reason']);
  const { weight } = value;
  if (reason === undefined || typeof weight !== 'number' || !(weight > 0 && weight <= 1)) return undefined;
  return { at: Math.min(count(value['at']), now), reason, weight };
}

function banIn(value: unknown): { ban?: Ban } {
  if (!isRecord(value)) return {};
  const reason = REASONS.find((each) => each === value['reason']);
  const { range } = value;
  if (reason === undefined) return {};
  return { ban: { until: count(value['until']), reason, ...(typeof range === 'string' ? { range } : {}) } };
}

function isFraud(value: unknown): value is Fraud {
  if (!isRecord(value) || typeof value['head'] !== 'string') return false;
  const { kind, other, root, digest } = value;
  if (kind === 'two-lists') return typeof other === 'string';
  if (kind === 'other-root') return typeof root === 'string';
  return kind === 'wrong-whole' && typeof digest === 'string' && isDigest(digest);
}

/** A whole number that is not negative; 0 for anything else. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is written as a multiaddr is. */
function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/') && value.length < 500;
}
