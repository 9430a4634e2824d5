/**
 * Asks a peer what it has.
 *
 * @module
 */
import type { Connection } from '@libp2p/interface';
import type { Digest } from '../../content/digest.ts';
import type { CallOptions } from '../../content/source.ts';
import type { Clock } from '../clock.ts';
import { openAsker } from '../wire/question-stream.ts';
import { formatHaveQuestion, HAVE_PROTOCOL, type HaveAnswer, parseHaveAnswer } from '../wire/wire.ts';

/** Asks peers what they have. */
export interface HaveAsker {
  /**
   * Asks for all of them, at most 256 and none by sha1, in one question; for none to see whether it answers. A peer answers
   * 20 questions in a second.
   *
   * @param options - `delegate`: it is to say as well who else may have them
   * @throws PeerFault, or whatever the signal is aborted with.
   */
  ask(
    this: void,
    connection: Connection,
    digests: readonly Digest[],
    options?: CallOptions & { readonly delegate?: boolean },
  ): Promise<HaveAnswer>;
}

/** No peer has been asked. */
export function openHaveAsker(clock: Clock): HaveAsker {
  const ask = openAsker(
    {
      protocol: HAVE_PROTOCOL,
      format: (
        { digests, delegate }: { readonly digests: readonly Digest[]; readonly delegate: boolean },
        id,
      ) => formatHaveQuestion({ id, delegate, digests }),
      parse: parseHaveAnswer,
      fits: ({ digests }, { holdings }) => digests.length === holdings.length,
    },
    clock,
  );
  return {
    ask: async (connection, digests, { delegate = false, ...options } = {}) =>
      ask(connection, { digests, delegate }, options),
  };
}
