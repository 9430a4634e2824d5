/**
 * Connections to those who are near or were named to us, made in the background and made again when they end: nobody who
 * looks for something waits for one, but who looks far away.
 *
 * @module
 */
import type { PeerName } from './contract.ts';
import type { Contact } from './find/discovery.ts';

/** The most peers to which connections are kept up; what is beyond comes in when there is room. */
export const KEPT_UP = 64;

/** How many connections are tried at the same time. */
const AT_ONCE = 8;

/** How long one may take, in milliseconds. */
const DIAL_MS = 5000;

/** How long to wait after one that failed, in milliseconds: doubled each time. */
const REST_MS = 5000;
const LONGEST_REST_MS = 10 * 60_000;

/** How often it may fail in a row before somebody who was only found is forgotten: he will be found again. */
const FAILURES = 5;

/** How many addresses of one peer are tried: of those that the user gave, and of those at which it was found. */
const ADDRESSES_LIMIT = 8;

/** What acquaintances need of the host. */
export interface Dialling {
  /** Whether there is a connection in the end. Never rejects. */
  readonly dial: (
    contact: Contact,
    options: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ) => Promise<boolean>;
  readonly isConnected: (peer: PeerName) => boolean;
  /** Whether it may be dealt with: it is not banned, nor this machine. */
  readonly isAllowed: (peer: PeerName) => boolean;
}

/** Peers that are to be connected. */
export interface Acquaintances {
  /** Connects soon, and again after it was lost. `lasting`: whatever happens, it is not forgotten. */
  meet(this: void, contact: Contact, options?: { readonly lasting?: boolean }): void;
  /** Its connection has ended. */
  lost(this: void, peer: PeerName): void;
  /** Connects now; whether there is a connection in the end. Never rejects. */
  reach(this: void, contact: Contact, options: { readonly signal: AbortSignal }): Promise<boolean>;
  close(this: void): void;
}

interface Acquaintance {
  /** What the user has said, the latest first: nobody else takes that away. */
  given: readonly string[];
  /** Where it was found last. */
  found: readonly string[];
  lasting: boolean;
  failures: number;
  timer?: NodeJS.Timeout | undefined;
}

/** Nobody is known. */
export function openAcquaintances({ dial, isConnected, isAllowed }: Dialling): Acquaintances {
  const known = new Map<PeerName, Acquaintance>();
  const waiting = new Set<PeerName>();
  const closing = new AbortController();
  let busy = 0;

  function next(): void {
    for (const peer of waiting) {
      if (busy >= AT_ONCE || closing.signal.aborted) return;
      waiting.delete(peer);
      const one = known.get(peer);
      if (!one || isConnected(peer) || !isAllowed(peer)) continue;
      busy++;
      connect(peer, one)
        .catch(() => later(peer, one))
        .finally(() => {
          busy--;
          next();
        });
    }
  }

  async function connect(peer: PeerName, one: Acquaintance): Promise<void> {
    const contact = { peer, addresses: addressesOf(one) };
    if (await dial(contact, { deadlineMs: DIAL_MS, signal: closing.signal })) {
      one.failures = 0;
      return;
    }
    one.failures++;
    if (one.failures >= FAILURES && !one.lasting) known.delete(peer);
    else later(peer, one);
  }

  function later(peer: PeerName, one: Acquaintance): void {
    if (one.timer || closing.signal.aborted) return;
    one.timer = setTimeout(
      () => {
        one.timer = undefined;
        waiting.add(peer);
        next();
      },
      Math.min(LONGEST_REST_MS, REST_MS * 2 ** one.failures),
    ).unref();
  }

  return {
    meet({ peer, addresses }, { lasting = false } = {}) {
      const one: Acquaintance = known.get(peer) ?? { given: [], found: [], lasting, failures: 0 };
      if (!known.has(peer) && !lasting && known.size >= KEPT_UP) return;
      known.set(peer, one);
      const before = addressesOf(one);
      // Nearest to the truth is what was said last; whoever said it, the handshake shows who answers there.
      if (lasting) one.given = [...new Set([...addresses, ...one.given])].slice(0, ADDRESSES_LIMIT);
      else one.found = addresses.slice(0, ADDRESSES_LIMIT);
      one.lasting ||= lasting;
      if (one.timer) {
        const isNew = addressesOf(one).some((address) => !before.includes(address));
        if (!one.lasting || !isNew) return;
        clearTimeout(one.timer);
        one.timer = undefined;
      }
      waiting.add(peer);
      next();
    },
    lost(peer) {
      const one = known.get(peer);
      if (one) later(peer, one);
    },
    async reach(contact, { signal }) {
      if (isConnected(contact.peer)) return true;
      if (!isAllowed(contact.peer) || signal.aborted || closing.signal.aborted) return false;
      return dial(contact, { deadlineMs: DIAL_MS, signal });
    },
    close() {
      closing.abort();
      waiting.clear();
      for (const { timer } of known.values()) clearTimeout(timer);
    },
  };
}

/** Where to try it: where the user says that it is first. */
function addressesOf({ given, found }: Acquaintance): string[] {
  return [...new Set([...given, ...found])];
}
