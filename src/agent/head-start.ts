/**
 * The head start of a fill: the answer that a tool's start waits for is held back as long as packages come more
 * quickly than the tool itself would take them, and not yet all that it lacks will be there when it looks.
 *
 * Only what waits for an answer can be held back. Where upstream or this machine turns out to be slow, or little
 * is lacking, the tool starts at once.
 *
 * @module
 */

/** How long a tool is held back at most, in milliseconds. A shim runs it without us after 800. */
const LONGEST_MS = 450;
/** How long a tool takes until it looks for its packages, in milliseconds: npm 400 or more. */
const START_MS = 350;
/** How long a tool takes to fetch a package itself, in milliseconds of all its work: npm 4 to 7. */
const WORTH_MS = 4;
/** How many packages have to be lacking, and how many are looked up before it is asked whether it is most of them. */
export const MANY = 64;
/** How long the first package may take to come, in milliseconds: a connection, and a few trips of a short line. */
const FIRST_MS = 100;
/** How long it takes to see how quickly they come, in milliseconds. */
const JUDGE_MS = 50;
/** How often it is asked whether to go on, in milliseconds. */
const LOOK_MS = 20;

/** How a fill comes along. Times in milliseconds. */
export interface Progress {
  /** Packages that are fetched, and those of them that have come. */
  readonly lacking: number;
  readonly come: number;
  /** Since when they are fetched. */
  readonly ms: number;
  /** Since when they come; undefined while none has. */
  readonly comingMs?: number;
}

/** The head start of one fill. */
export interface HeadStart {
  /** Resolves when the tool may start. */
  readonly over: Promise<void>;
  /** So many packages are lacking, and are fetched from now on. */
  lack(this: void, count: number): void;
  /** One of them is there. */
  came(this: void): void;
  /** There is nothing to wait for. */
  end(this: void): void;
}

/** Opens the head start of a fill, which is over as soon as `signal` aborts. `waits` is told where the tool is held back. */
export function openHeadStart(signal: AbortSignal, waits?: () => void): HeadStart {
  const { promise, resolve } = Promise.withResolvers<void>();
  const longest = setTimeout(end, LONGEST_MS);
  let looking: NodeJS.Timeout | undefined;
  let lacking = 0;
  let come = 0;
  let since = 0;
  let firstAt: number | undefined;
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();

  function look(): void {
    const now = performance.now();
    const coming = firstAt === undefined ? {} : { comingMs: now - firstAt };
    if (!isWorthWaiting({ lacking, come, ms: now - since, ...coming })) end();
  }

  function end(): void {
    clearTimeout(longest);
    clearInterval(looking);
    signal.removeEventListener('abort', end);
    resolve();
  }

  return {
    over: promise,
    lack(count) {
      lacking = count;
      since = performance.now();
      if (!isWorthWaiting({ lacking, come, ms: 0 })) return end();
      looking = setInterval(look, LOOK_MS);
      waits?.();
    },
    came() {
      come++;
      firstAt ??= performance.now();
    },
    end,
  };
}

/** Whether the tool gains by starting later. */
export function isWorthWaiting({ lacking, come, ms, comingMs }: Progress): boolean {
  if (lacking < MANY || come >= lacking) return false;
  if (comingMs === undefined) return ms < FIRST_MS;
  if (comingMs < JUDGE_MS) return true;
  const each = comingMs / come;
  return each <= WORTH_MS && (lacking - come) * each > START_MS;
}
