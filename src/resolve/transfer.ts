/**
 * One artifact on its way from a source, read by any number of clients at once.
 *
 * Up to {@link WHOLE_LIMIT} it is verified whole before anybody gets a byte, so another source can still
 * take over. Above that clients read along behind the writer, always 64 KiB short of the end until the
 * digest is known: nobody ever receives a complete wrong file. A source that breaks half-way is asked again
 * from where it stopped, and where the disk fails each client gets a stream of its own.
 *
 * @module
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Cache, PartialContent } from '../cache/cache.ts';
import { shared } from '../content/buffers.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { Given, Source, SourceName } from '../content/source.ts';
import { type Measured, measure, verified } from '../content/verified.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { asError, isMissing, isUseless, isWrong, told } from './transfer-failure.ts';

/** Content up to this many bytes is verified before its first byte is sent: 8 MiB. */
export const WHOLE_LIMIT = 8 * 2 ** 20;

/** Content up to this many bytes stays in memory, more goes to the disk: 1 MiB. */
const MEMORY_LIMIT = 2 ** 20;
/** How often a source that breaks half-way is asked to go on. */
const CONTINUATIONS = 3;
/** The pause before it is asked again, in milliseconds; doubles each time. */
const CONTINUE_AFTER_MS = 100;

/** A source that could not be asked or had no good bytes, and why. */
export interface PassedOver {
  readonly source: SourceName;
  readonly reason: string;
}

/** What a client is told when its reply can begin. */
export interface Ready {
  readonly source: SourceName;
  /** Length in bytes, where it is known by now. */
  readonly size?: number;
  readonly passedOver: readonly PassedOver[];
  /** Its beginning was left by an earlier transfer, maybe of another name: only the digest vouches for it. */
  readonly takenOver?: boolean;
}

/**
 * Who may send it so that others are given what has come of it: `anybody`, where its digest is known to be of something public; `upstream`
 * itself, which is public, where nobody but a lockfile names the digest; or nobody.
 */
export type OfferedFrom = 'anybody' | 'upstream' | 'nobody';

/** Content on its way. */
export interface Transfer {
  /** When a reply can begin; undefined when no source has it. Rejects with the last source's error. */
  readonly ready: Promise<Ready | undefined>;
  /** What it turned out to be, as soon as it is verified. */
  readonly measured: Promise<Measured>;
  /** Why it is not in the cache afterwards, or undefined when it is. Never rejects. */
  readonly stored: Promise<string | undefined>;
  /** Who has given what of it so far, where sources ask several. */
  given(this: void): readonly Given[];
  /** Every byte from the start, once {@link ready}. Ends normally only if all of it was right. */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Whether nobody is to join it any more: it is being broken off. */
  readonly isBrokenOff: boolean;
  /** Whether nothing has come yet, so that there is nothing to lose. */
  readonly isSilent: boolean;
  /** Breaks it off; what has come stays for the next where it is on the disk. */
  cancel(): void;
}

/** Where the bytes are that have come: in memory, in a growing file, or (`direct`) nowhere, for want of a disk. */
type Place =
  | { readonly kind: 'memory'; readonly parts: Uint8Array[] }
  | { readonly kind: 'file'; readonly file: PartialContent }
  | { readonly kind: 'direct'; readonly source: Source; readonly reason: string };

/**
 * Starts a transfer; it goes on until it is stored, has failed or is cancelled, or the last of its streaming
 * readers has left.
 *
 * @param what - names the content in errors
 */
export function startTransfer(
  cache: Cache,
  wanted: Wanted,
  sources: readonly Source[],
  what: string,
  offeredFrom: OfferedFrom = 'nobody',
): Transfer {
  const ready = Promise.withResolvers<Ready | undefined>();
  const measured = Promise.withResolvers<Measured>();
  const stored = Promise.withResolvers<string | undefined>();
  for (const { promise } of [ready, measured]) promise.catch(() => undefined);

  const abort = new AbortController();
  const passedOver: PassedOver[] = [];
  let place: Place = { kind: 'memory', parts: [] };
  /** How many bytes of `place` an earlier transfer left. */
  let beginning = 0;
  let mayBeginAnew = true;
  let noDisk = cache.readOnlyBecause;
  let streaming = false;
  let readers = 0;
  /** Who delivered what is in the cache now. */
  let deliverer: Source | undefined;

  const begin = (source: Source, size?: number): void => {
    const takenOver = beginning > 0;
    ready.resolve({ source: source.name, passedOver, takenOver, ...(size === undefined ? {} : { size }) });
  };

  /** What was there before may be another's, who only claimed that it has this digest. */
  const mayOffer = ({ name }: Source): boolean =>
    offeredFrom === 'anybody' || (offeredFrom === name && beginning === 0);

  /** Moves what has come from memory to the disk. A beginning that an earlier transfer left there is taken over. */
  async function spill(parts: readonly Uint8Array[]): Promise<void> {
    try {
      const file = await cache.partial(wanted);
      beginning = file.size;
      const come = Buffer.concat(parts);
      if (file.size < come.byteLength) await file.write(come.subarray(file.size));
      place = { kind: 'file', file };
    } catch (error) {
      if (!isPyrsiaError(error, 'CACHE_READ_ONLY')) throw error;
      noDisk = error.details.reason;
    }
  }

  async function receive(source: Source): Promise<Measured | undefined> {
    const meter = measure(wanted, ['sha256']);
    let come = 0;
    for (let tries = 0; ; tries++) {
      try {
        let offset = place.kind === 'file' ? place.file.size : come;
        const content = await source.open(wanted, { offset, signal: abort.signal });
        if (!content) return undefined;
        const size = wanted.size ?? content.size;
        for await (const chunk of content.chunks) {
          const { byteLength } = chunk;
          if (place.kind === 'file') {
            await place.file.write(chunk);
          } else if (place.kind === 'memory') {
            meter.update(chunk);
            place.parts.push(shared(chunk));
            come += chunk.byteLength;
          }
          offset += byteLength;
          if (place.kind === 'memory' && Math.max(come, size ?? 0) > MEMORY_LIMIT && noDisk === undefined)
            await spill(place.parts);
          if (place.kind === 'file' && size !== undefined && !content.unsure && mayOffer(source))
            place.file.offer(size);
          if (content.unsure && noDisk !== undefined && offset > WHOLE_LIMIT)
            throw new Error(`it cannot be verified first: ${noDisk}`);
          if (!streaming && !content.unsure && Math.max(offset, size ?? 0) > WHOLE_LIMIT) {
            if (place.kind === 'memory') {
              place = { kind: 'direct', source, reason: noDisk ?? 'unknown' };
            }
            streaming = true;
            begin(source, size);
            if (place.kind === 'direct') return undefined;
          }
          // An earlier transfer has been further than this one: go on where it stopped.
          if (place.kind === 'file' && place.file.size > offset) break;
        }
        if (place.kind === 'file' && place.file.size > offset) continue;
        return place.kind === 'file' ? await place.file.finish() : meter.end();
      } catch (error) {
        // Whoever reads what turns out to be wrong leaves because of that.
        if (!isWrong(error)) abort.signal.throwIfAborted();
        // Without a digest nobody would notice that the second half is another file's.
        // Who fetches from many peers has asked all of them.
        const isFinal = error instanceof PyrsiaError || source.name === 'peer';
        if (isFinal || wanted.digests.length === 0 || tries >= CONTINUATIONS) throw error;
        await delay(CONTINUE_AFTER_MS * 2 ** tries, undefined, { signal: abort.signal });
      }
    }
  }

  async function run(): Promise<void> {
    let failure: Error | undefined;
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i]!;
      try {
        const result = await receive(source);
        if (place.kind === 'direct') return stored.resolve(place.reason);
        if (result) return await finish(source, result);
      } catch (error) {
        const reason = abort.signal.aborted && !isWrong(error) ? asError(error) : told(error, what);
        if (isWrong(error)) source.wrong?.();
        // What a peer could not do says nothing of whether upstream has it.
        if (source.name !== 'peer') failure = reason;
        // What is wrong is of no use to anybody, nor is what nothing follows; what is merely not complete is.
        const isBarren =
          place.kind === 'file' && place.file.size === beginning && beginning > 0 && !abort.signal.aborted;
        if (place.kind === 'file')
          await (isBarren || isUseless(error) ? place.file.discard(reason) : place.file.suspend(reason));
        if (isPyrsiaError(error, 'CACHE_READ_ONLY')) {
          noDisk = error.details.reason;
          // Those who read along go on by themselves; else this source is asked once more, without the disk.
          if (streaming) {
            place = { kind: 'direct', source, reason: noDisk };
            return stored.resolve(noDisk);
          }
          i--;
        } else if (beginning > 0 && mayBeginAnew && !streaming && !abort.signal.aborted) {
          // It may be what was taken over that is wrong.
          mayBeginAnew = false;
          i--;
        } else {
          passedOver.push({ source: source.name, reason: reason.message });
          if (streaming || abort.signal.aborted) throw reason;
        }
        place = { kind: 'memory', parts: [] };
        beginning = 0;
      }
    }
    if (failure !== undefined) throw failure;
    ready.resolve(undefined);
    measured.reject(new Error('No source has it'));
    stored.resolve('no source has it');
  }

  async function finish(source: Source, result: Measured): Promise<void> {
    deliverer = source;
    source.right?.();
    measured.resolve(result);
    begin(source, result.size);
    if (place.kind !== 'memory') return stored.resolve(undefined);
    if (noDisk !== undefined) return stored.resolve(noDisk);
    // Whoever waits for it comes first: it is all here.
    await turn();
    try {
      await cache.content.put(result, place.parts);
      stored.resolve(undefined);
    } catch (error) {
      stored.resolve(isPyrsiaError(error, 'CACHE_READ_ONLY') ? error.details.reason : String(error));
    }
  }

  void run().catch((error: unknown) => {
    for (const each of [ready, measured]) each.reject(error);
    stored.resolve(error instanceof Error ? error.message : String(error));
  });

  /** A stream of one client's own, of which `sent` bytes have been sent already. */
  async function* direct(source: Source, sent: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const content = await source.open(wanted, signal ? { signal } : {});
    if (!content) throw new PyrsiaError('NOT_FOUND', { what: 'content that was there a moment ago' });
    const chunks = verified(content.chunks, wanted, ['sha256']);
    let at = 0;
    for (;;) {
      const next = await chunks.next();
      if (next.done) return measured.resolve(next.value);
      const fresh = next.value.subarray(Math.max(0, sent - at));
      at += next.value.byteLength;
      if (fresh.byteLength > 0) yield fresh;
    }
  }

  return {
    ready: ready.promise,
    measured: measured.promise,
    stored: stored.promise,
    get isBrokenOff() {
      return abort.signal.aborted;
    },
    get isSilent() {
      return place.kind === 'memory' && place.parts.length === 0;
    },
    cancel: () => abort.abort(),
    given: () => (deliverer ? [deliverer] : sources).flatMap((source) => source.given?.() ?? []),
    async *read(signal) {
      readers++;
      let sent = 0;
      try {
        if (place.kind === 'memory') yield* place.parts;
        if (place.kind === 'file') {
          for await (const chunk of place.file.read(signal ? { signal } : {})) {
            sent += chunk.byteLength;
            yield chunk;
          }
        }
        if (place.kind === 'direct') yield* direct(place.source, 0, signal);
      } catch (error) {
        // The disk has failed, or a small cache has dropped it before this reader came.
        if (!isPyrsiaError(error, 'CACHE_READ_ONLY') && !isMissing(error)) throw error;
        await stored.promise;
        const settled: Place = place;
        const source = settled.kind === 'direct' ? settled.source : deliverer;
        if (!source) throw error;
        yield* direct(source, sent, signal);
      } finally {
        readers--;
        if (readers === 0 && streaming) abort.abort();
        if (readers === 0 && place.kind === 'direct') measured.reject(new Error('Nobody read it to its end'));
      }
    },
  };
}
