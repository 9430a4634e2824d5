/**
 * Whom this node names to a peer that wants to know who else has something.
 *
 * @module
 */
import { peerIdFromString } from '@libp2p/peer-id';
import type { Digest } from '../../content/digest.ts';
import { type Bucket, openBucket } from '../wire/bucket.ts';
import type { Clock } from '../clock.ts';
import type { PeerName } from '../contract.ts';
import type { Discovery } from '../find/discovery.ts';
import type { Host } from '../host/host.ts';
import { isPrivate } from '../lan.ts';
import { ADDRESSES_LIMIT, type Hint, HINTS_LIMIT } from '../wire/wire.ts';

/** For how many digests of one question others are asked, and how often in a second, whoever wants to know. */
const ASKED_FOR = 16;
const PER_SECOND = 5;

/** How long they have, in milliseconds. */
const PATIENCE_MS = 100;

/** Finds out who else may have any of these. `isNear`: whoever wants to know has a private address himself. */
export type FindHints = (
  digests: readonly Digest[],
  asker: { readonly peer: PeerName; readonly isNear: boolean },
) => Promise<readonly Hint[]>;

/** What is known of others, or said by those connected when they are asked. */
export function hintsFrom(
  discovery: Pick<Discovery, 'inquire' | 'found'>,
  host: Pick<Host, 'libp2p'>,
  clock: Clock,
): FindHints {
  const allowance: Bucket = openBucket(PER_SECOND, 1000, clock);

  return async (digests, asker) => {
    const unknown = digests.filter((digest) => !discovery.found({ digests: [digest] })).slice(0, ASKED_FOR);
    if (unknown.length > 0 && allowance.delay() === 0) {
      await allowance.take(1);
      await discovery.inquire(unknown, { signal: AbortSignal.timeout(PATIENCE_MS) });
    }
    const which = new Map<PeerName, number[]>();
    digests.forEach((digest, at) => {
      for (const { peer } of discovery.found({ digests: [digest] })?.holders ?? [])
        if (peer !== asker.peer) which.set(peer, [...(which.get(peer) ?? []), at]);
    });
    const hints = [...which].slice(0, HINTS_LIMIT).map(async ([peer, indexes]): Promise<Hint> => ({
      peer,
      addresses: await addressesOf(host, peer, asker.isNear),
      which: indexes,
    }));
    return (await Promise.all(hints)).filter(({ addresses }) => addresses.length > 0);
  };
}

/** Where a peer can be reached. Whoever is far away is not told of addresses in a private network. */
async function addressesOf(
  { libp2p }: Pick<Host, 'libp2p'>,
  peer: PeerName,
  isNear: boolean,
): Promise<string[]> {
  const known = await libp2p.peerStore.get(peerIdFromString(peer)).catch(() => undefined);
  return (known?.addresses ?? [])
    .filter(({ multiaddr }) => isNear || !isPrivate(multiaddr.getComponents()[0]?.value ?? ''))
    .map(({ multiaddr }) => multiaddr.toString())
    .filter((text) => text.length < 256)
    .slice(0, ADDRESSES_LIMIT);
}
