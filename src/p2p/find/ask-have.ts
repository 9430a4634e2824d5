/**
 * Asks a peer what it has, on one stream for each connection, which is opened with the first question and again when it
 * was closed.
 *
 * @module
 */
import type { Connection } from '@libp2p/interface';
import type { Digest } from '../../content/digest.ts';
import type { CallOptions } from '../../content/source.ts';
import { type Channel, channelOver } from '../wire/channel.ts';
import type { Clock } from '../clock.ts';
import { openStream } from '../wire/dial.ts';
import { watch } from '../wire/watch.ts';
import {
  formatHaveQuestion,
  frame,
  FRAME_LIMIT,
  HAVE_PROTOCOL,
  type HaveAnswer,
  parseFrameLength,
  parseHaveAnswer,
} from '../wire/wire.ts';

/** How long an answer may take, in milliseconds. */
const ANSWER_LIMIT = 10_000;

/** How many questions are on their way at a time: of the longest ones whoever answers keeps no more. */
const AT_A_TIME = 3;

/** How long a stream is kept that nobody uses, in milliseconds: less than whoever serves it keeps it. */
const UNUSED = 20_000;

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
  const streams = new WeakMap<Connection, Promise<Questions>>();
  const questionsTo = async (connection: Connection): Promise<Questions> => {
    const before = streams.get(connection);
    const open = await before?.catch(() => undefined);
    if (open && !open.channel.closed.aborted) return open;
    // Somebody else may have opened one meanwhile.
    const now = streams.get(connection);
    if (now !== undefined && now !== before) return questionsTo(connection);
    const opening = openQuestions(connection, clock);
    streams.set(connection, opening);
    return opening;
  };
  return {
    async ask(connection, digests, { signal, delegate = false } = {}) {
      signal?.throwIfAborted();
      const answering = questionsTo(connection).then(async ({ ask }) => ask(digests, delegate));
      return unlessAborted(answering, signal);
    },
  };
}

interface Questions {
  readonly channel: Channel;
  ask(this: void, digests: readonly Digest[], delegate: boolean): Promise<HaveAnswer>;
}

interface Asked {
  readonly count: number;
  readonly at: number;
  readonly resolve: (answer: HaveAnswer) => void;
  readonly reject: (error: unknown) => void;
}

async function openQuestions(connection: Connection, clock: Clock): Promise<Questions> {
  const stream = await openStream(connection, HAVE_PROTOCOL);
  const channel = channelOver(stream, connection.remotePeer.toString(), 'lied');
  const waiting = new Map<number, Asked>();
  let last = 0;
  let used = clock.now();
  const turns = Array.from({ length: AT_A_TIME }, (): Promise<unknown> => Promise.resolve());

  channel.closed.addEventListener('abort', () => {
    for (const { reject } of waiting.values()) reject(channel.closed.reason);
  });
  watch(channel, clock, (now) => {
    const oldest = waiting.values().next().value;
    if (oldest && now - oldest.at > ANSWER_LIMIT) return ['slow', 'it does not answer'];
    return !oldest && now - used > UNUSED ? ['cut', 'nothing was asked for a while'] : undefined;
  });
  const readAnswers = async (): Promise<void> => {
    for (;;) {
      const start = await channel.read(4);
      if (start === undefined) throw channel.close('cut', 'it closed the stream');
      const length = parseFrameLength(start);
      const message = await channel.read(length);
      if (message === undefined) throw channel.close('cut', 'it closed the stream');
      const answer = parseHaveAnswer(message);
      const asked = waiting.get(answer.id);
      if (asked?.count !== answer.holdings.length)
        throw channel.close('lied', 'it answers what it was not asked');
      channel.expect(length - FRAME_LIMIT);
      waiting.delete(answer.id);
      used = clock.now();
      asked.resolve(answer);
    }
  };
  readAnswers().catch((error: Error) => channel.close('malformed', error.message));

  const askNow = async (digests: readonly Digest[], delegate: boolean): Promise<HaveAnswer> => {
    channel.closed.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<HaveAnswer>();
    const id = (last = (last + 1) >>> 0);
    waiting.set(id, { count: digests.length, at: clock.now(), resolve, reject });
    channel.expect(4 + FRAME_LIMIT);
    await channel.send(frame(formatHaveQuestion({ id, delegate, digests })));
    return promise;
  };
  return {
    channel,
    async ask(digests, delegate) {
      const before = turns.shift();
      const answer = (async () => {
        await before;
        return askNow(digests, delegate);
      })();
      turns.push(answer.catch(() => undefined));
      return answer;
    },
  };
}

/** The same, or as soon as the signal is aborted what it is aborted with. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    aborted.catch(() => undefined);
    promise.catch(() => undefined);
  }
}
