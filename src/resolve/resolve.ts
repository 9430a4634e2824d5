/**
 * Source after source: the cache first, then whoever else has it, with one transfer for all who want the
 * same thing at the same time.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { ByteStream, CallOptions, Content, Given, Source, SourceName } from '../content/source.ts';
import { type Measured, verified } from '../content/verified.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { type OfferedFrom, type PassedOver, startTransfer, type Transfer } from './transfer.ts';

/** A transfer that others may join. */
interface Flight {
  readonly transfer: Transfer;
  /** Somebody waits for it, or has. */
  isWanted: boolean;
  /** How many wait for it to begin. */
  waiting: number;
  /** How many fetch it ahead and have not given it up. */
  ahead: number;
}

/** Content that was found. */
export interface Found {
  readonly source: SourceName;
  /** Length in bytes, where it is known before the end. */
  readonly size?: number;
  /** Every byte; ends normally only if all of them were right. Read it, or call `return` on its iterator. */
  readonly chunks: ByteStream;
  /** What it turned out to be: known at once for what is verified whole, else when `chunks` ends. */
  readonly measured: Promise<Measured>;
  /** Why it is not in the cache afterwards, or undefined when it is. */
  readonly stored: Promise<string | undefined>;
  readonly passedOver: readonly PassedOver[];
  /** Who has given what of it so far, where peers were asked. */
  given?(this: void): readonly Given[];
  /** Its beginning was left by an earlier transfer, maybe of another name: only the digest vouches for it. */
  readonly takenOver?: boolean;
}

/** Finds content. */
export interface Resolver {
  /**
   * Asks the cache, then each of `sources`. Resolves to `undefined` when none has it.
   *
   * @param flight - names what is fetched: calls with the same name and the same `wanted` share a transfer
   * @param fresh - the cache is not asked: what a source is sending has to prove itself
   * @param offeredFrom - who may send it so that others are given what has come of it, by default nobody
   * @param ahead - nobody waits for it: where `signal` aborts before anybody does, the transfer is broken off
   * @throws whatever the last source failed with, when none delivered
   */
  resolve(
    wanted: Wanted,
    sources: readonly Source[],
    options: CallOptions & {
      readonly flight: string;
      readonly ahead?: boolean;
      readonly fresh?: boolean;
      readonly offeredFrom?: OfferedFrom;
    },
  ): Promise<Found | undefined>;
}

/** A resolver that keeps what it finds in `cache`. */
export function openResolver(cache: Cache): Resolver {
  const flying = new Map<string, Flight>();

  function take(key: string, transfer: Transfer): Flight {
    const flight = { transfer, isWanted: false, waiting: 0, ahead: 0 };
    flying.set(key, flight);
    void transfer.stored.finally(() => land(key, flight));
    return flight;
  }

  function land(key: string, flight: Flight): void {
    if (flying.get(key) === flight) flying.delete(key);
  }

  /** The transfer of this name, joined by one more. */
  function join(
    key: string,
    start: () => Transfer,
    { signal, ahead = false }: CallOptions & { readonly ahead?: boolean },
  ): Transfer {
    const flight = flying.get(key) ?? take(key, start());
    const { transfer } = flight;
    const breakOff = (): void => {
      land(key, flight);
      transfer.cancel();
    };
    const leave = (): void => {
      if (!ahead) {
        flight.waiting--;
        // Of what upstream may never answer nobody is to inherit the wait.
        if (flight.waiting === 0 && flight.ahead === 0 && transfer.isSilent) breakOff();
        return;
      }
      flight.ahead--;
      if (!flight.isWanted && flight.ahead === 0) breakOff();
    };
    if (ahead) flight.ahead++;
    else {
      flight.isWanted = true;
      flight.waiting++;
    }
    signal?.addEventListener('abort', leave, { once: true });
    const stay = (): void => signal?.removeEventListener('abort', leave);
    if (ahead) void transfer.stored.finally(stay);
    else void transfer.ready.then(stay, stay);
    return transfer;
  }

  /** A damaged file is noted and removed by the cache itself; the next source may have it. */
  async function open(
    wanted: Wanted,
    options: CallOptions,
    passedOver: PassedOver[],
  ): Promise<Content | undefined> {
    try {
      return await cache.content.open(wanted, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      passedOver.push({ source: 'cache', reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  /** Digests that the cache has never computed are proven by reading it all, before anybody relies on them. */
  async function fromCache(
    wanted: Wanted,
    options: CallOptions,
    passedOver: PassedOver[],
  ): Promise<Found | undefined> {
    let content = await open(wanted, options, passedOver);
    const digests = wanted.digests.filter((digest) => !content?.proven.includes(digest));
    if (content && digests.length > 0) {
      try {
        for await (const _ of verified(content.chunks, { digests }));
      } catch (error) {
        options.signal?.throwIfAborted();
        // Other content cannot satisfy both: what is wanted contradicts itself.
        if (isPyrsiaError(error, 'DIGEST_MISMATCH'))
          throw new PyrsiaError('DIGEST_MISMATCH', { ...error.details, from: 'the cache' }, { cause: error });
        passedOver.push({ source: 'cache', reason: error instanceof Error ? error.message : String(error) });
        return undefined;
      }
      content = await open(wanted, options, passedOver);
    }
    if (!content) return undefined;
    const { size, proven, chunks } = content;
    return {
      source: 'cache',
      ...(size === undefined ? {} : { size }),
      chunks,
      measured: Promise.resolve({ digests: [...proven, ...digests], size: size ?? 0 }),
      stored: Promise.resolve(undefined),
      passedOver,
    };
  }

  return {
    async resolve(wanted, sources, { flight, signal, ahead, fresh = false, offeredFrom }) {
      const options = signal ? { signal } : {};
      const passedOver: PassedOver[] = [];
      const cached = fresh ? undefined : await fromCache(wanted, options, passedOver);
      if (cached || sources.length === 0) return cached;

      const key = [flight, ...wanted.digests].join(' ');
      signal?.throwIfAborted();
      const start = () => startTransfer(cache, wanted, sources, flight.replace(/[?#].*$/s, ''), offeredFrom);
      const how = { ...options, ...(ahead && { ahead }) };
      let transfer = join(key, start, how);
      let ready = await transfer.ready;
      // Its last reader has just left: once it is over, what has come is gone on with.
      while (transfer.isBrokenOff) {
        signal?.throwIfAborted();
        await transfer.stored;
        transfer = join(key, start, how);
        ready = await transfer.ready;
      }
      if (!ready) return undefined;
      return {
        ...ready,
        chunks: transfer.read(signal),
        measured: transfer.measured,
        stored: transfer.stored,
        given: transfer.given,
        passedOver: [...passedOver, ...ready.passedOver],
      };
    },
  };
}
