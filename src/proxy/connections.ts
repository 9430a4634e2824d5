/**
 * Who uses the connections to upstreams: requests that somebody waits for, which are only counted, and what is
 * fetched ahead of any request, which gets what they leave over.
 *
 * How many that is at most is learned as it goes: few where nothing is known of an upstream or where it is
 * slow, so that what somebody waits for has the line to itself; one more for each that came quickly.
 *
 * @module
 */

/** Connections kept to one upstream: more stalled in experiments with npm's registry. */
export const CONNECTIONS = 16;
/** Connections that fetch ahead from an upstream of which nothing is known, or that is slow. */
const FEW = 4;
/** What came within this time, in milliseconds, came quickly. */
const QUICK_MS = 500;
/** What is long may take longer: as long as it takes at this rate, in bytes per millisecond. */
const QUICK_RATE = 50;
/** How long somebody waits for a connection, in milliseconds, before what is fetched ahead gives up all of its own. */
const PATIENCE_MS = 300;

/** A connection to fetch something ahead with. */
export interface Spare {
  /** Aborts when somebody needs the connection. */
  readonly signal: AbortSignal;
  /** Gives it back; with how many bytes came, where something came. */
  free(bytes?: number): void;
}

/** The connections of one agent, by the way they take. */
export interface Connections {
  /** Counts a request that somebody waits for, until what is returned is called. */
  use(way: string): () => void;
  /**
   * A connection that nobody needs, once fewer than `most` are in use; undefined when `signal` aborts first,
   * or while upstream wants to be asked less.
   */
  spare(
    way: string,
    options: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<Spare | undefined>;
  /**
   * Upstream says that it is asked too much: for so many milliseconds nothing more is fetched ahead. What is under way
   * goes on: whoever waits for it next would only have to ask again.
   */
  tooMuch(way: string, restMs: number): void;
}

/** What is known of one way. */
interface Way {
  waitedFor: number;
  readonly spare: Set<AbortController>;
  /** How many are used at most, when something is fetched ahead. */
  most: number;
  restsUntil: number;
  readonly waiting: Set<() => void>;
  impatient?: NodeJS.Timeout;
}

/** Nothing is in use so far. */
export function openConnections(now: () => number): Connections {
  const ways = new Map<string, Way>();

  function wayOf(name: string): Way {
    let way = ways.get(name);
    if (!way) {
      way = { waitedFor: 0, spare: new Set(), most: FEW, restsUntil: 0, waiting: new Set() };
      ways.set(name, way);
    }
    return way;
  }

  const wake = ({ waiting }: Way): void => {
    for (const go of waiting) go();
  };

  /** Cuts short whatever is fetched ahead, unless somebody waits for it by now. */
  const giveUp = (way: Way): void => {
    way.most = FEW;
    for (const each of way.spare) each.abort();
  };

  const isFull = ({ waitedFor, spare }: Way): boolean => waitedFor + spare.size > CONNECTIONS;

  function watch(way: Way): void {
    if (!isFull(way) || way.spare.size === 0 || way.impatient) return;
    way.impatient = setTimeout(() => {
      delete way.impatient;
      if (isFull(way)) giveUp(way);
    }, PATIENCE_MS).unref();
  }

  return {
    use(name) {
      const way = wayOf(name);
      way.waitedFor++;
      watch(way);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        way.waitedFor--;
        wake(way);
      };
    },

    async spare(name, { most, signal }) {
      const way = wayOf(name);
      while (!signal.aborted && way.waitedFor + way.spare.size >= Math.min(way.most, most)) {
        if (way.restsUntil > now()) return undefined;
        await changed(way, signal);
      }
      if (signal.aborted || way.restsUntil > now()) return undefined;
      const needed = new AbortController();
      // For each of many packages, this takes a tenth of what `AbortSignal.any` does.
      const giveUpToo = (): void => needed.abort(signal.reason);
      signal.addEventListener('abort', giveUpToo, { once: true });
      way.spare.add(needed);
      const since = performance.now();
      return {
        signal: needed.signal,
        free(bytes) {
          if (!way.spare.delete(needed)) return;
          signal.removeEventListener('abort', giveUpToo);
          if (bytes !== undefined && !needed.signal.aborted) {
            const isQuick = performance.now() - since <= QUICK_MS + bytes / QUICK_RATE;
            way.most = isQuick ? Math.min(CONNECTIONS, way.most + 1) : Math.max(FEW, way.most >> 1);
          }
          wake(way);
        },
      };
    },

    tooMuch(name, restMs) {
      const way = wayOf(name);
      way.restsUntil = Math.max(way.restsUntil, now() + restMs);
      way.most = FEW;
      wake(way);
    },
  };
}

/** Waits until a connection is given back, or nobody needs one any more. */
async function changed({ waiting }: Way, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      signal.removeEventListener('abort', go);
      waiting.delete(go);
      resolve();
    };
    waiting.add(go);
    signal.addEventListener('abort', go, { once: true });
  });
}
