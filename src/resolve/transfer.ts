/**
 * One artifact on its way from a source, read by any number of clients at once.
 *
 * Up to {@link WHOLE_LIMIT} it is verified whole before anybody gets a byte, so another source can still
 * take over. Above that clients read along behind the writer, always {@link HELD_BACK} bytes short of the
 * end until the digest is known: nobody ever receives a complete wrong file. A source that breaks half-way
 * is asked again from where it stopped.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { ByteStream, Source, SourceName } from '../content/source.ts';
import { HELD_BACK, type Measured, type Meter, measure } from '../content/verified.ts';
import { isPyrsiaError } from '../errors.ts';
import { hold, type Holding } from './holding.ts';

/** Content up to this many bytes is verified before its first byte is sent: 8 MiB. */
export const WHOLE_LIMIT = 8 * 2 ** 20;

/** How often a source that breaks half-way is asked to go on. */
const CONTINUATIONS = 4;
/** The most bytes read back for a client at a time. */
const READ_SIZE = 256 * 2 ** 10;

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
}

/** Content on its way. */
export interface Transfer {
  /** When a reply can begin; undefined when no source has it. Rejects with the last source's error. */
  readonly ready: Promise<Ready | undefined>;
  /** What it turned out to be, as soon as it is verified. Never rejects by itself being ignored. */
  readonly measured: Promise<Measured>;
  /** Why it is not in the cache, or undefined when it is; settles after {@link measured}. */
  readonly stored: Promise<string | undefined>;
  /** Every byte from the start. Ends normally only if all of it was right. */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** Starts a transfer; it goes on until it is stored, has failed, or its last reader has left. */
export function startTransfer(cache: Cache, wanted: Wanted, sources: readonly Source[]): Transfer {
  const ready = Promise.withResolvers<Ready | undefined>();
  const measured = Promise.withResolvers<Measured>();
  const stored = Promise.withResolvers<string | undefined>();
  for (const { promise } of [ready, measured, stored]) promise.catch(() => undefined);

  const abort = new AbortController();
  const readers = new Set<{ at: number }>();
  const passedOver: PassedOver[] = [];
  let state: 'receiving' | 'streaming' | 'verified' | { readonly failed: unknown } = 'receiving';
  let moved = Promise.withResolvers<void>();
  let holding: Holding = hold(cache, wanted);
  let meter: Meter = measure(wanted, ['sha256', 'sha512']);

  function move(): void {
    moved.resolve();
    moved = Promise.withResolvers<void>();
  }

  /** How far the slowest reader has come; content before it need not be kept in memory. */
  function slowest(): number {
    return Math.min(...[...readers].map((reader) => reader.at));
  }

  async function receive(source: Source): Promise<Measured | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        const content = await source.open(wanted, { offset: holding.size, signal: abort.signal });
        if (!content) return undefined;
        const size = wanted.size ?? content.size;
        for await (const chunk of content.chunks) {
          meter.update(chunk);
          await holding.append(chunk, state === 'streaming' ? slowest : undefined);
          if (state === 'receiving' && Math.max(holding.size, size ?? 0) > WHOLE_LIMIT) {
            state = 'streaming';
            ready.resolve({ source: source.name, passedOver, ...(size === undefined ? {} : { size }) });
          }
          move();
        }
        return meter.end();
      } catch (error) {
        abort.signal.throwIfAborted();
        const wrong = isPyrsiaError(error, 'DIGEST_MISMATCH') || isPyrsiaError(error, 'SIZE_MISMATCH');
        const broken = !isPyrsiaError(error) || (wrong && stoppedEarly(error));
        // Without a digest nobody would notice that the second half is another file's.
        if (!broken || wanted.digests.length === 0 || tries === CONTINUATIONS) throw error;
      }
    }
  }

  async function run(): Promise<void> {
    let error: unknown;
    for (const source of sources) {
      try {
        const result = await receive(source);
        if (result) return await finish(source.name, result);
      } catch (failure) {
        error = failure;
        passedOver.push({ source: source.name, reason: failure instanceof Error ? failure.message : String(failure) });
        if (state !== 'receiving' || abort.signal.aborted) throw failure;
        await holding.discard();
        holding = hold(cache, wanted);
        meter = measure(wanted, ['sha256', 'sha512']);
      }
    }
    if (error !== undefined) throw error;
    ready.resolve(undefined);
    measured.reject(new Error('no source has it'));
    stored.resolve('no source has it');
  }

  async function finish(source: SourceName, result: Measured): Promise<void> {
    state = 'verified';
    ready.resolve({ source, passedOver, size: result.size });
    measured.resolve(result);
    move();
    stored.resolve(await holding.keep(result));
  }

  void run().catch(async (error: unknown) => {
    state = { failed: error };
    for (const each of [ready, measured]) each.reject(error);
    stored.resolve(error instanceof Error ? error.message : String(error));
    move();
    await holding.discard();
  });

  return {
    ready: ready.promise,
    measured: measured.promise,
    stored: stored.promise,
    async *read(signal) {
      const reader = { at: 0 };
      readers.add(reader);
      try {
        for (;;) {
          signal?.throwIfAborted();
          const next = moved.promise;
          const safe = state === 'verified' ? holding.size : holding.size - HELD_BACK;
          if (typeof state === 'object') throw state.failed;
          if (reader.at < safe) {
            const chunk = await holding.read(reader.at, Math.min(READ_SIZE, safe - reader.at));
            reader.at += chunk.byteLength;
            yield chunk;
            holding.passed();
          } else if (state === 'verified') return;
          else await next;
        }
      } finally {
        readers.delete(reader);
        holding.passed();
        if (readers.size === 0 && state === 'streaming') abort.abort();
      }
    },
  };
}

/** Whether a source ended before its content did, which is worth a continuation; one that sent too much is not. */
function stoppedEarly(error: { readonly details: { readonly expected: unknown; readonly actual: unknown } }): boolean {
  const { expected, actual } = error.details;
  return typeof expected === 'number' && typeof actual === 'number' && actual < expected;
}

/** The content of `chunks`, for those who need it in one piece. */
export async function whole(chunks: ByteStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
