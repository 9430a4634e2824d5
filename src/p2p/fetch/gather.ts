/**
 * Content from several peers at once, and from upstream where they are too slow: in order, and verified chunk by chunk.
 *
 * Up to one chunk the content's own digest verifies it. Above that a list of chunks does, which the log or somebody's signature
 * vouches for; without one a single peer is asked at a time, up to 64 MiB, and whoever reads verifies the whole.
 * Whoever sends what is wrong, breaks off or falls silent is asked no more, and the others take over what it was asked for.
 *
 * @module
 */
import { cutOf } from '../../content/chunks.ts';
import type { Wanted } from '../../content/descriptor.ts';
import type { Given, OpenOptions, Source } from '../../content/source.ts';
import { openBlame, type Outcome } from './blame.ts';
import { type Clock, monotonicClock } from '../clock.ts';
import type { Fetch, Vouched } from '../contract.ts';
import { openDispatch } from './dispatch.ts';
import { Contradiction, NobodyLeft, WrongContent } from './fetch-failure.ts';
import type { Fetching } from './fetching.ts';
import { type Giver, upstreamHand } from './hand.ts';
import { isReady, judge } from './intake.ts';
import type { PeerBook } from '../book/peer-book.ts';
import { askedBy, openProving } from './proving.ts';
import { openTeam } from './team.ts';
import { type Came, openWindow } from './window.ts';

/** What a fetch may use besides peers. */
export interface GatherOptions extends OpenOptions {
  readonly vouched?: Vouched;
  readonly upstream?: Source;
  readonly book: Pick<PeerBook, 'gave' | 'failed' | 'strike' | 'find' | 'score'>;
  /** So many bytes that peers gave have been passed on. */
  readonly taken?: (bytes: number) => void;
  readonly clock?: Clock;
}

/**
 * Fetches `wanted`, which has `size` bytes, from those who say they have it. Nobody is asked before the chunks are read; at most
 * 32 MiB of them wait in memory.
 *
 * The chunks end with an error when the signal aborts, with upstream's own where it was the last that was left, else with
 * {@link NobodyLeft}.
 */
export function gather(
  wanted: Wanted,
  { size, givers }: { readonly size: number; readonly givers: readonly Giver[] },
  options: GatherOptions,
): Fetch {
  const { offset = 0, length = Infinity, vouched, upstream, book, signal, clock = monotonicClock } = options;
  const digest = askedBy(wanted);
  if (digest === undefined) throw new TypeError('Peers are asked by sha256 or sha512 only');
  const end = Math.min(size, offset + length);
  const cut = cutOf(size);
  const over = new AbortController();
  const blame = openBlame(book, digest, givers);
  const given: Fetching['given'] = new Map();
  let wake = Promise.withResolvers<void>();
  const fetching: Fetching = {
    wanted,
    cut,
    window: openWindow(cut, offset, end),
    team: openTeam({ givers, digest, size, book, blame, clock, over: over.signal }),
    ...(upstream ? { registry: { source: upstream, hand: upstreamHand(size) } } : {}),
    proving: openProving(wanted, digest, cut, vouched, clock),
    blame,
    given,
    clock,
    over: over.signal,
    waitForChange: () => wake.promise,
    changed() {
      dispatch.pump();
      wake.resolve();
      wake = Promise.withResolvers();
    },
  };
  const { window, team, proving, changed } = fetching;
  const dispatch = openDispatch(fetching);
  let isComplete = false;
  // What they give they have from somebody else, and have not verified themselves.
  const passers = new Set(team.hands.filter(({ growth }) => growth).map(({ giver }) => giver.peer));

  /** Waits for the next chunk. */
  async function nextChunk(): Promise<Came> {
    for (;;) {
      signal?.throwIfAborted();
      dispatch.pump({ isReading: true });
      const { came } = window.head;
      if (came && isReady(fetching, window.head)) return came;
      if (dispatch.isHopeless()) throw lastWord(fetching);
      const nap = new AbortController();
      await Promise.race([wake.promise, clock.sleep(dispatch.untilLate(), nap.signal)]);
      nap.abort();
    }
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (offset >= end) return;
    signal?.addEventListener('abort', changed, { once: true });
    try {
      dispatch.start();
      void proving.seek(team, blame, over.signal).then(() => {
        judge(fetching);
        return changed();
      });
      while (!window.isOver) {
        const { bytes, from } = await nextChunk();
        const { offset: at } = window.head;
        window.advance();
        changed();
        const piece = bytes.subarray(Math.max(0, offset - at), end - at);
        const before = given.get(from.giver?.peer);
        given.set(from.giver?.peer, {
          bytes: (before?.bytes ?? 0) + piece.byteLength,
          chunks: (before?.chunks ?? 0) + 1,
        });
        if (from.giver) options.taken?.(piece.byteLength);
        isComplete = window.isOver;
        yield piece;
      }
    } finally {
      over.abort();
      signal?.removeEventListener('abort', changed);
      for (const slot of window.slots()) for (const { abort } of slot.asks) abort.abort();
    }
  }

  const outcome = (): Outcome => ({
    isWhole: isComplete && offset === 0 && end === size,
    isVouched: proving.isVouched,
    signers: proving.signers(),
    dissenters: proving.dissenters(),
    givers: [...given.keys()].filter((peer) => peer !== undefined).filter((peer) => !passers.has(peer)),
  });
  return {
    chunks: chunks(),
    given: () => [...given].map(([peer, what]): Given => (peer === undefined ? what : { peer, ...what })),
    wrong: () => blame.wrong(outcome()),
    right: () => blame.right(outcome()),
  };
}

/** What is said when nobody is left: what upstream failed with, else who of the peers failed how. */
function lastWord({ registry, team, proving, given }: Fetching): Error {
  const error = registry?.error ?? new NobodyLeft(`No peer delivered it (${team.why()})`);
  const fromPeers = [...given.keys()].some((peer) => peer !== undefined);
  const isWrong = error instanceof Contradiction && fromPeers && !proving.isVouched;
  return isWrong ? new WrongContent(error.message, { cause: error }) : error;
}
