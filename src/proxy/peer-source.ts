/**
 * Peers, as one more place that content may come from.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Given, Source } from '../content/source.ts';
import { WHOLE_LIMIT } from '../resolve/transfer.ts';
import type { Fetch, Held, Peers, Vouched } from '../p2p/contract.ts';

const NOTHING_PROVEN: readonly Digest[] = [];

/** Whom content is asked of: those who say at once whether they have it, or everybody who can be found. */
export type Distance = 'near' | 'far';

/** Peers that are asked. */
export type AskedPeers = Pick<Peers, Distance | 'knows'>;

/**
 * Peers as a {@link Source} of one artifact, which is known by a strong digest. What they are too slow with is
 * asked of `upstream`, where that is one; what `vouched` says of the chunks of what is large, they have to be.
 *
 * `open` resolves to undefined when nobody has it.
 */
export function peerSource(
  peers: AskedPeers,
  distance: Distance,
  {
    upstream,
    vouched,
    joins = false,
    isOver = () => false,
  }: {
    /** Whether peers go on with what upstream has begun. */
    readonly joins?: boolean;
    readonly upstream?: Source | undefined;
    /** Whether nobody is to be asked any more: upstream itself has answered. */
    readonly isOver?: () => boolean;
    readonly vouched?: (() => Promise<Vouched | undefined>) | undefined;
  } = {},
): Source {
  const fetches: Fetch[] = [];

  return {
    name: 'peer',
    async open(wanted, { offset = 0, length, signal } = {}) {
      if (isOver()) return undefined;
      const held = await peers[distance](wanted, signal ? { signal } : {});
      if (!held || (wanted.size ?? held.size) !== held.size) return undefined;
      // Of what is verified whole before anybody gets a byte nobody has to vouch for parts.
      const list = held.size > WHOLE_LIMIT ? await vouched?.() : undefined;
      const isSure = wanted.size !== undefined || list?.size === held.size || held.size <= WHOLE_LIMIT;
      // Upstream says how long it is as it begins, and peers go on.
      if (upstream && joins && !isSure) return undefined;
      const fetch = held.fetch({
        offset,
        ...(list?.size === held.size && { vouched: list }),
        ...(length !== undefined && { length }),
        ...(upstream && { upstream }),
        ...(signal && { signal }),
      });
      fetches.push(fetch);
      return { size: held.size, unsure: !isSure, proven: NOTHING_PROVEN, chunks: fetch.chunks };
    },
    given: () => summed(fetches.flatMap((fetch) => fetch.given())),
    wrong() {
      for (const fetch of fetches) fetch.wrong();
    },
    right() {
      for (const fetch of fetches) fetch.right?.();
    },
  };
}

/**
 * Upstream, until peers are found who have it: the rest of what is large comes from them, and from upstream where they are
 * too slow. Only for what upstream's answer binds, whoever brings the bytes.
 */
export function joinedSource(
  upstream: Source,
  peers: AskedPeers,
  vouched?: () => Promise<Vouched | undefined>,
): Source {
  const fetches: Fetch[] = [];
  let sent = 0;

  return {
    ...upstream,
    async open(wanted, options = {}) {
      const content = await upstream.open(wanted, options);
      const size = wanted.size ?? content?.size;
      if (!content || size === undefined || size <= WHOLE_LIMIT || options.length !== undefined)
        return content;
      const { offset = 0, signal } = options;
      let held: Held | undefined;
      const look = async (): Promise<void> => {
        const found = await peers.far(wanted, signal ? { signal } : {});
        if (found?.size === size) held = found;
      };
      void look();
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        let at = offset;
        for await (const chunk of content.chunks) {
          at += chunk.byteLength;
          sent += chunk.byteLength;
          yield chunk;
          if (held && size - at > WORTH_JOINING) break;
        }
        if (!held || at >= size) return;
        const list = await vouched?.();
        const fetch = held.fetch({
          offset: at,
          upstream,
          ...(list?.size === size && { vouched: list }),
          ...(signal && { signal }),
        });
        fetches.push(fetch);
        yield* fetch.chunks;
      };
      return { ...content, chunks: chunks() };
    },
    given() {
      const given = fetches.flatMap((fetch) => fetch.given());
      return given.length === 0 ? [] : summed([{ bytes: sent, chunks: 1 }, ...given]);
    },
    wrong() {
      for (const fetch of fetches) fetch.wrong();
    },
    right() {
      for (const fetch of fetches) fetch.right?.();
    },
  };
}

/** How much has to be left for that, in bytes: 4 MiB. */
const WORTH_JOINING = 4 * 2 ** 20;

/** One line for each who gave something. */
function summed(given: readonly Given[]): readonly Given[] {
  return [...Map.groupBy(given, ({ peer }) => peer).values()].map((theirs) => ({
    ...theirs[0]!,
    bytes: theirs.reduce((sum, { bytes }) => sum + bytes, 0),
    chunks: theirs.reduce((sum, { chunks }) => sum + chunks, 0),
  }));
}
