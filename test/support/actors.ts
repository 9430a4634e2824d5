/**
 * Sources with one trait each, for the tests of whoever reads from sources.
 *
 * @module
 */
import type { ByteStream, OpenOptions, Source, SourceName } from '../../src/content/source.ts';
import { chunked } from './streams.ts';

/** Has the content, in pieces of `pieces` bytes. */
export function has(name: SourceName, bytes: Uint8Array, pieces = 1024): Source {
  return opening(name, bytes, (part) => chunked(part, pieces));
}

/** Does not have it. */
export function lacks(name: SourceName): Source {
  return { name, open: async () => undefined };
}

/** Cannot be asked. */
export function fails(name: SourceName, error: Error = new Error('no route')): Source {
  return { name, open: () => Promise.reject(error) };
}

/** Has as many bytes, and every one of them is wrong. */
export function lies(name: SourceName, bytes: Uint8Array): Source {
  return has(
    name,
    Uint8Array.from(bytes, (byte) => byte ^ 1),
  );
}

/** Opens, and then delivers nothing until it is aborted. */
export function stalls(name: SourceName, size?: number): Source {
  return {
    name,
    open: async (_, { signal } = {}) => ({
      ...(size !== undefined && { size }),
      proven: [],
      chunks: silence(signal),
    }),
  };
}

/** Delivers up to byte `at` of the content, then breaks; whoever asks from `at` on gets the rest. */
export function breaksAt(name: SourceName, bytes: Uint8Array, at: number): Source {
  return opening(name, bytes, async function* (part, offset) {
    const left = at - offset;
    if (left <= 0 || left >= part.byteLength) return yield* chunked(part);
    yield* chunked(part.subarray(0, left));
    throw new Error(`broken at ${at}`);
  });
}

function opening(
  name: SourceName,
  bytes: Uint8Array,
  deliver: (part: Uint8Array, offset: number) => ByteStream,
): Source {
  return {
    name,
    async open(_, { offset = 0, length, signal }: OpenOptions = {}) {
      signal?.throwIfAborted();
      const part = bytes.subarray(offset, length === undefined ? undefined : offset + length);
      return { size: bytes.byteLength, proven: [], chunks: deliver(part, offset) };
    },
  };
}

async function* silence(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal?.reason as Error);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  yield await promise;
}
