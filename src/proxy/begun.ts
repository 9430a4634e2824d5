/**
 * Artifacts of registries that say by files beside them what their digests are. One of them is asked for once upstream
 * is sending the artifact, and before a byte of that is used: what is not there costs one request. Of an upstream that had the last
 * one, both are asked for at once.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { ByteStream, Content, Source } from '../content/source.ts';
import type { Coordinates } from '../content/coordinates.ts';
import type { RegistryProtocol } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { UpstreamSource } from './upstream-source.ts';

/** How many bytes are looked at to tell an artifact from a page in its place. */
const START = 200;

/** An artifact that upstream is sending. */
export interface Begun {
  /** Upstream, which goes on where it has begun. */
  readonly source: Source;
  /** What it says the digests are; none when it does not say. */
  readonly declared: readonly Digest[];
}

/** What is begun, by what it is called: those who ask for the same at the same time share it. */
export interface Beginnings {
  /** Undefined: upstream has none. */
  of(flight: string, start: () => Promise<Begun | undefined>): Promise<Begun | undefined>;
  /** It is on its way to the cache, or cannot be had. */
  over(flight: string): void;
}

/** Nothing is begun. */
export function openBeginnings(): Beginnings {
  const all = new Map<string, Promise<Begun | undefined>>();
  return {
    async of(flight, start) {
      let begun = all.get(flight);
      if (!begun) all.set(flight, (begun = start()));
      return begun;
    },
    over: (flight) => void all.delete(flight),
  };
}

/**
 * Has upstream begin to send an artifact, and say what it is. Undefined: there is none.
 *
 * @param ask - what the registry says of it by files beside it, besides the digest that its reply has named
 * @throws PyrsiaError `UPSTREAM_FAILED` also when something else is sent in its place
 */
export async function begin(
  source: UpstreamSource,
  coordinates: Coordinates,
  registry: RegistryProtocol,
  ask: (named: Digest | undefined) => Promise<readonly Digest[]>,
): Promise<Begun | undefined> {
  const content = await source.open({ digests: [] });
  if (!content) return undefined;
  let chunks: AsyncGenerator<Uint8Array> | undefined;
  try {
    const [start, rest] = await peeked(content.chunks);
    chunks = rest;
    if (registry.isForeign?.(coordinates, start))
      throw new PyrsiaError('UPSTREAM_FAILED', {
        url: source.url,
        reason: 'something else came in its place',
      });
    const declared = await ask(registry.beside?.declared(source.headers()));
    return { source: resumed(source, { ...content, chunks }), declared };
  } catch (error) {
    // A generator that nobody has begun to read does not see that it is given up.
    await chunks?.next().catch(() => undefined);
    await chunks?.return(undefined);
    throw error;
  }
}

/** The first bytes, and everything, these included. */
async function peeked(chunks: ByteStream): Promise<[Buffer, AsyncGenerator<Uint8Array>]> {
  const all = (async function* () {
    yield* chunks;
  })();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < START) {
    const next = await all.next();
    if (next.done) break;
    first.push(next.value);
    size += next.value.byteLength;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* first;
    yield* all;
  }
  return [Buffer.concat(first).subarray(0, START), whole()];
}

/** The same source, which first gives what it has opened already. */
function resumed(source: Source, content: Content): Source {
  let begun: Content | undefined = content;
  return {
    name: source.name,
    async open(wanted, options = {}) {
      const { offset = 0, length } = options;
      const taken = offset === 0 && length === undefined ? begun : undefined;
      if (!taken) return source.open(wanted, options);
      begun = undefined;
      return taken;
    },
  };
}
