/**
 * Chunks that come: kept where they are what they should be, and held against whoever sent them where they are not.
 *
 * @module
 */
import { Contradiction } from './fetch-failure.ts';
import { type Fetching, isPlain } from './fetching.ts';
import { delivered, type Hand, isPeer, type PeerHand } from './hand.ts';
import type { Slot } from './window.ts';

/** Takes a chunk as it came. */
export function takeChunk(fetching: Fetching, hand: Hand, slot: Slot, bytes: Uint8Array): void {
  const { over, clock, registry, proving, team } = fetching;
  if (over.aborted) return;
  const ms = delivered(hand, bytes.byteLength, clock.now());
  // Somebody was quicker; but what upstream sends is better than what nobody can verify yet.
  if (slot.came && (isReady(fetching, slot) || hand !== registry?.hand)) return;
  const verdict = proving.check(slot.index, bytes);
  if (verdict === false) return refuse(fetching, hand, slot, bytes);
  if (verdict === undefined && proving.state === 'none' && isPeer(hand) && !isPlain(fetching)) return;
  if (isPeer(hand)) team.gave(hand, bytes.byteLength, ms);
  slot.came = { bytes, from: hand, isVerified: verdict === true };
  for (const { hand: other, abort } of slot.asks) if (isPeer(other)) abort.abort();
}

/** What verifies chunks is known by now, or that nothing does: judges those that have come before. */
export function judge(fetching: Fetching): void {
  const { proving, team, window } = fetching;
  if (proving.state === 'none' && !isPlain(fetching))
    for (const hand of team.hands) hand.gone ??= 'nobody vouches for a list of chunks';
  for (const slot of window.slots()) {
    const { came } = slot;
    if (!came || came.isVerified) continue;
    const verdict = proving.check(slot.index, came.bytes);
    if (verdict === true) came.isVerified = true;
    else if (verdict === false || (isPeer(came.from) && !isPlain(fetching))) delete slot.came;
    if (verdict === false) refuse(fetching, came.from, slot, came.bytes);
  }
}

/** Whether a chunk may be passed on. */
export function isReady({ proving: { state }, registry }: Fetching, { came }: Slot): boolean {
  if (!came) return false;
  return came.isVerified || state === 'none' || (state === 'sought' && came.from === registry?.hand);
}

function refuse(fetching: Fetching, hand: Hand, slot: Slot, bytes: Uint8Array): void {
  if (isPeer(hand)) refusePeer(fetching, hand);
  else doubt(fetching, hand, slot, bytes);
}

function refusePeer({ proving, blame, team }: Fetching, hand: PeerHand): void {
  if (hand.gone === undefined && hand.growth) {
    team.misled(hand);
  } else if (hand.gone === undefined) {
    const isSure = proving.isVouched || proving.signers().some(({ maker }) => maker === hand.giver.peer);
    if (isSure) blame.strike(hand.giver, 'wrong-chunk');
    else blame.suspect(hand.giver);
  }
  hand.gone ??= 'it sent a wrong chunk';
}

/** Upstream has something else than what verifies chunks says. */
function doubt(
  { proving, registry, given, team, window }: Fetching,
  hand: Hand,
  slot: Slot,
  bytes: Uint8Array,
): void {
  const fromPeers = [...given.keys()].some((peer) => peer !== undefined);
  if (proving.isVouched || fromPeers) {
    hand.gone = 'it has other content';
    if (registry) registry.error ??= new Contradiction('Upstream has other content than what was asked for');
    return;
  }
  // A registry is more likely right than a stranger's signature.
  proving.doubt();
  for (const each of team.hands) each.gone ??= 'upstream contradicts the list of chunks';
  for (const each of window.slots()) if (each.came && isPeer(each.came.from)) delete each.came;
  slot.came = { bytes, from: hand, isVerified: false };
}
