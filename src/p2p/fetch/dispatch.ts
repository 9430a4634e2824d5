/**
 * Who is asked for what in a fetch, and when somebody else is.
 *
 * @module
 */
import { askPeer, askUpstream } from './asking.ts';
import { type Fetching, isPlain } from './fetching.ts';
import { isGrowing, isToBeLookedAt } from './growing.ts';
import { atWork, type Hand, type HandAtWork, isPeer, type PeerHand } from './hand.ts';
import { isSooner, nextRequest, type Piece, quickestFor } from './share-out.ts';
import type { Slot } from './window.ts';

/** How long chunks wait for the list that verifies them until upstream is asked, in milliseconds. */
const LIST_LATE_MS = 100;

/** Upstream joins where peers would still take this long, in milliseconds, and give less than 16 MiB/s. */
const LONG_MS = 250;
const ENOUGH_SPEED = (16 * 2 ** 20) / 1000;

/** How many are asked for one chunk at a time. */
const ASKS_LIMIT = 3;

/** How long it is waited at most until everything is looked at again, in milliseconds. */
const LONGEST_NAP_MS = 1000;

/** Sees to it that chunks are asked for. */
export interface Dispatch {
  start(this: void): void;
  /** Asks whoever has room for what nobody was asked for, and somebody else for what is late. */
  pump(this: void, options?: { readonly isReading?: boolean }): void;
  /** Whether the next chunk cannot come any more. */
  isHopeless(this: void): boolean;
  /** In how many milliseconds something will be late, or somebody not busy any more. */
  untilLate(this: void): number;
}

/** Nobody is asked yet. */
export function openDispatch(fetching: Fetching): Dispatch {
  const { window, team, registry, proving, clock, cut, over, changed } = fetching;
  let hasJoined = false;
  let startedAt = 0;

  /** The peers who may be asked for chunks by now. */
  function peersNow(now: number): PeerHand[] {
    const left = team.hands.filter(({ gone }) => gone === undefined);
    if (proving.state === 'there') return left;
    if (proving.state === 'none' && !isPlain(fetching)) return [];
    // Nobody could tell whose fault it is: one at a time.
    const able = left.filter(({ reach }) => endOf(window.head) <= reach);
    return [able.find(({ restsUntil }) => restsUntil <= now) ?? able[0]].filter((each) => each !== undefined);
  }
  function workersNow(now: number): HandAtWork[] {
    const asked: Hand[] = peersNow(now);
    const speed = asked.reduce((sum, each) => sum + (each.speed ?? 0), 0);
    const isAble = asked.some((each) => endOf(window.head) <= each.reach && each.restsUntil <= now);
    hasJoined ||= !isAble || (speed > 0 && speed < ENOUGH_SPEED && window.left() / speed > LONG_MS);
    if (registry && registry.hand.gone === undefined && hasJoined) asked.push(registry.hand);
    return asked.map((hand) => atWork(hand, cut.chunkSize, now, asked.length === 1));
  }

  /** Whether a chunk should have come, or the list that verifies it. */
  function isLate({ came, asks }: Slot, now: number): boolean {
    if (came) return proving.state === 'sought' && now >= startedAt + LIST_LATE_MS;
    return asks.size > 0 && [...asks].every(({ lateAt }) => lateAt <= now);
  }
  /** Asks somebody else for a chunk that is late, or would be sooner from whoever may help. */
  function helpWith(slot: Slot, now: number, may: (hand: Hand) => boolean = () => true): void {
    const isWaiting = slot.came === undefined && slot.asks.size > 0;
    if ((!isWaiting && !isLate(slot, now)) || slot.asks.size >= ASKS_LIMIT || !window.hasSpare()) return;
    const worker = quickestFor(
      othersFor(slot, now, isLate(slot, now)).map((hand) => atWork(hand, cut.chunkSize, now, false)),
      slot,
    );
    if (worker === undefined || !may(worker.hand)) return;
    const expectedAt = Math.min(...[...slot.asks].map((each) => each.expectedAt));
    if (!isLate(slot, now) && !isSooner(worker, slot.length, expectedAt, now)) return;
    if (worker.hand === registry?.hand) hasJoined = true;
    ask(worker, slot, now);
  }
  /** Who may be asked for a chunk besides those who were; upstream only where it is late, until it has joined. */
  function othersFor({ came, asks }: Slot, now: number, mayJoin: boolean): Hand[] {
    const tried = new Set([...asks].map(({ hand }) => hand));
    // What has come waits for a list: another peer cannot help.
    const arePeersAllowed = came === undefined && (proving.state !== 'none' || isPlain(fetching));
    const all: Hand[] = [
      ...(arePeersAllowed ? team.hands : []),
      ...(registry && (hasJoined || mayJoin) ? [registry.hand] : []),
    ];
    return all.filter(
      (hand) => hand.gone === undefined && !tried.has(hand) && !isUntried(hand) && now >= hand.restsUntil,
    );
  }
  function ask(worker: HandAtWork, slot: Slot, now: number): void {
    const { hand } = worker;
    if (isPeer(hand)) void askPeer(fetching, { ...worker, hand }, slot, now);
    else if (registry)
      void askUpstream(fetching, registry, worker, slot, {
        now,
        isLast: !peersNow(now).some((peer) => endOf(slot) <= peer.reach || isGrowing(peer, cut.size, now)),
      });
  }

  /** Asks whoever has a part how much that is now, where that may help. */
  function look(now: number): void {
    for (const hand of team.hands)
      if (isToBeLookedAt(hand, cut.size, now) && !isWithin(window.slots(), hand.reach))
        void team.look(hand).then(changed);
  }

  return {
    start: () => void (startedAt = clock.now()),
    pump({ isReading = false } = {}) {
      if (over.aborted || window.isOver) return;
      const now = clock.now();
      for (;;) {
        const next = nextRequest(workersNow(now), window.free());
        if (next === undefined) break;
        ask(next.worker, next.piece, now);
      }
      look(now);
      if (isReading) helpWith(window.head, now);
      // At the end those who have nothing to do help the others.
      if (window.free().length > 0) return;
      for (const slot of window.slots()) helpWith(slot, now, ({ requests }) => requests === 0);
    },
    isHopeless() {
      if (registry && registry.hand.gone === undefined) return false;
      const now = clock.now();
      return !team.hands.some(
        (hand) =>
          (hand.gone === undefined && endOf(window.head) <= hand.reach) || isGrowing(hand, cut.size, now),
      );
    },
    untilLate() {
      const now = clock.now();
      const times = [
        startedAt + LIST_LATE_MS,
        ...team.hands.flatMap(({ restsUntil, growth }) => [restsUntil, growth?.looksAt ?? restsUntil]),
        ...window.slots().flatMap(({ asks }) => [...asks].map(({ lateAt }) => lateAt)),
      ];
      return Math.max(1, Math.min(LONGEST_NAP_MS, ...times.filter((at) => at > now).map((at) => at - now)));
    },
  };
}

/** Whether it has been asked and has not shown anything: it is no help. */
function isUntried({ speed, requests }: Hand): boolean {
  return speed === undefined && requests > 0;
}

function endOf({ offset, length }: Piece): number {
  return offset + length;
}

/** Whether all that is still to come of these ends before `reach`. */
function isWithin(slots: readonly Slot[], reach: number): boolean {
  return slots.every((slot) => slot.came !== undefined || endOf(slot) <= reach);
}
