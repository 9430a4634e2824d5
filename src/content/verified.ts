import { PyrsiaError } from '../errors.ts';
import type { Wanted } from './descriptor.ts';
import { algorithmOf, contradiction, type Digest, type DigestAlgorithm, digester } from './digest.ts';
import type { ByteStream } from './source.ts';

/** The most bytes one artifact may have when its size is not known beforehand: 16 GiB. */
export const SIZE_LIMIT = 16 * 2 ** 30;

/** How much of the end is held back until the digest is known: 64 KiB. */
export const HELD_BACK = 64 * 2 ** 10;

/** What verified content turned out to be. */
export interface Measured {
  /** One for each algorithm that was asked for or wanted. */
  readonly digests: readonly Digest[];
  /** Length in bytes. */
  readonly size: number;
}

/**
 * Passes content through and vouches for it: the iteration ends normally only if the bytes satisfy
 * `wanted`, and returns what they were measured to be.
 *
 * At least the last {@link HELD_BACK} bytes are kept until the digest is known, so whoever copies this
 * to a client can send a truncated body but never a complete wrong one.
 *
 * @param algorithms - digests to compute besides those wanted
 * @throws PyrsiaError `SIZE_MISMATCH`, as soon as there is a byte too many, or `DIGEST_MISMATCH`.
 */
export async function* verified(
  chunks: ByteStream,
  wanted: Wanted,
  algorithms: readonly DigestAlgorithm[] = [],
): AsyncGenerator<Uint8Array, Measured> {
  const meter = measure(wanted, algorithms);
  const held: Uint8Array[] = [];
  let heldSize = 0;

  for await (const chunk of chunks) {
    meter.update(chunk);
    held.push(chunk);
    heldSize += chunk.byteLength;
    for (let first = held[0]; first && heldSize - first.byteLength >= HELD_BACK; first = held[0]) {
      heldSize -= first.byteLength;
      held.shift();
      yield first;
    }
  }
  const measured = meter.end();
  yield* held;
  return measured;
}

/** Measures content as it passes and compares it with what was wanted. */
export interface Meter {
  /** @throws PyrsiaError `SIZE_MISMATCH` at the first byte too many. */
  update(chunk: Uint8Array): void;
  /** @throws PyrsiaError `SIZE_MISMATCH` for content that stops early, or `DIGEST_MISMATCH`. */
  end(): Measured;
}

/** Starts a {@link Meter}; it computes what `wanted` and `algorithms` name. */
export function measure(wanted: Wanted, algorithms: readonly DigestAlgorithm[] = []): Meter {
  const digesters = [...new Set([...wanted.digests.map(algorithmOf), ...algorithms])].map(digester);
  const limit = wanted.size ?? SIZE_LIMIT;
  let size = 0;

  return {
    update(chunk) {
      size += chunk.byteLength;
      if (size > limit) throw new PyrsiaError('SIZE_MISMATCH', { expected: limit, actual: size });
      for (const each of digesters) each.update(chunk);
    },
    end() {
      if (wanted.size !== undefined && size !== wanted.size) {
        throw new PyrsiaError('SIZE_MISMATCH', { expected: wanted.size, actual: size });
      }
      const digests = digesters.map((each) => each.digest());
      const wrong = contradiction(wanted.digests, digests);
      if (wrong) throw new PyrsiaError('DIGEST_MISMATCH', wrong);
      return { digests, size };
    },
  };
}
