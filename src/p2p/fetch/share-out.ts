/**
 * Who is asked for which chunk. Pure: speeds in bytes a millisecond, times in milliseconds.
 *
 * Content leaves in order, so what counts of a chunk is when it is needed. Whoever is quickest takes the next one; whoever is
 * slower takes one so far ahead that it will be there in time, and none where there is no such.
 *
 * @module
 */

/** Somebody who may be asked. */
export interface Worker {
  /** As measured in this fetch. */
  readonly speed?: number;
  /** What is taken for its speed until it has shown it. */
  readonly guess: number;
  /** How many bytes it has been asked for that have not come. */
  readonly queued: number;
  /** How long nothing has come though it was asked. */
  readonly silentFor: number;
  /** How many more requests it is given now. */
  readonly room: number;
  /** How many bytes from the start it has. */
  readonly reach: number;
  /** What a request may cost besides its bytes before somebody else is asked, in milliseconds; as little as can be by default. */
  readonly patience?: number;
}

/** A chunk that nobody was asked for. */
export interface Piece {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

/** How many requests are on their way to one peer: what it can answer within this time, but 2 to 4. */
const PIPELINE_MS = 50;
const LEAST_REQUESTS = 2;
const MOST_REQUESTS = 4;

/** What a request costs besides its bytes, as long as nobody has measured it. */
const LEAST_PATIENCE_MS = 20;

/** How many requests a peer is given at a time: one until its speed is known. */
export function requestsFor(speed: number | undefined, chunkSize: number): number {
  if (speed === undefined) return 1;
  const wanted = 1 + Math.ceil((speed * PIPELINE_MS) / chunkSize);
  return Math.max(LEAST_REQUESTS, Math.min(MOST_REQUESTS, wanted));
}

/** In how long a worker would have delivered `length` more bytes. */
function etaOf(worker: Worker, length: number): number {
  return (worker.queued + length) / speedOf(worker, length);
}

/** When `length` more bytes should be here of somebody who is asked now, and when they are late. */
export function expectationOf(
  worker: Worker,
  length: number,
  now: number,
): { readonly expectedAt: number; readonly lateAt: number } {
  const eta = etaOf(worker, length);
  return {
    expectedAt: now + eta,
    lateAt: now + (worker.patience ?? LEAST_PATIENCE_MS) + (worker.speed === undefined ? eta : 2 * eta),
  };
}

/** Whether somebody else who is asked now would clearly be sooner than what is expected at some time. */
export function isSooner(worker: Worker, length: number, expectedAt: number, now: number): boolean {
  return LEAST_PATIENCE_MS + 2 * etaOf(worker, length) < expectedAt - now;
}

/** The next request: who, and for which of the chunks that nobody was asked for; they are in order. */
export function nextRequest<W extends Worker, P extends Piece>(
  workers: readonly W[],
  free: readonly P[],
): { readonly worker: W; readonly piece: P } | undefined {
  const [first] = free;
  if (first === undefined) return undefined;
  const quickest = workers
    .filter(({ room }) => room > 0)
    .toSorted((a, b) => etaOf(a, first.length) - etaOf(b, first.length));
  for (const worker of quickest) {
    const piece = free.find((each, ahead) => isFor(worker, each, ahead, workers));
    if (piece !== undefined) return { worker, piece };
  }
  return undefined;
}

/** Of those who may be asked besides who was, the one who would be quickest. */
export function quickestFor<W extends Worker>(
  workers: readonly W[],
  { offset, length }: Piece,
): W | undefined {
  return workers
    .filter(({ reach }) => offset + length <= reach)
    .toSorted((a, b) => etaOf(a, length) - etaOf(b, length))[0];
}

/** Whether none of the others will have got through the chunks `ahead` of this one, and it, before the worker has it. */
function isFor(worker: Worker, piece: Piece, ahead: number, workers: readonly Worker[]): boolean {
  const { offset, length } = piece;
  const end = offset + length;
  if (end > worker.reach) return false;
  const others = workers.filter((each) => each !== worker && end <= each.reach);
  if (others.length === 0) return true;
  const soonest = Math.min(...others.map((each) => etaOf(each, length)));
  const together = others.reduce((sum, each) => sum + speedOf(each, length), 0);
  return etaOf(worker, length) <= soonest + (ahead * length) / together;
}

/** Its speed, or less where it has been silent for longer than that would explain. */
function speedOf({ speed, guess, silentFor }: Worker, length: number): number {
  const known = speed ?? guess;
  return silentFor > 0 ? Math.min(known, length / silentFor) : known;
}
