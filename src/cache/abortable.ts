import type { ByteStream } from '../content/source.ts';

/**
 * The same chunks, until `signal` is aborted: the iteration then fails with its reason at once, even while
 * the source is silent, and the source is told to stop.
 */
export async function* abortable(
  chunks: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!signal) {
    yield* chunks;
    return;
  }
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  // Nobody may be waiting at that moment.
  aborted.promise.catch(() => undefined);

  const source = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  try {
    for (;;) {
      const next = await Promise.race([source.next(), aborted.promise]);
      if (next.done) return;
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // A silent source may never answer this either.
    void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}
