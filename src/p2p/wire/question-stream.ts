/**
 * Questions to peers in frames, on one stream for each connection, which is opened with the first question and again when it
 * was closed.
 *
 * @module
 */
import type { Connection } from '@libp2p/interface';
import type { CallOptions } from '../../content/source.ts';
import type { Clock } from '../clock.ts';
import { type Channel, channelOver } from './channel.ts';
import { openStream } from './dial.ts';
import { watch } from './watch.ts';
import { frame, FRAME_LIMIT, parseFrameLength } from './wire.ts';

/** How long an answer may take, in milliseconds. */
const ANSWER_LIMIT = 10_000;

/** How many questions are on their way at a time: of the longest ones whoever answers keeps no more. */
const AT_A_TIME = 3;

/** How long a stream is kept that nobody uses, in milliseconds: less than whoever serves it keeps it. */
const UNUSED = 20_000;

/** What is asked, and how it is answered. */
export interface Asking<Q, A extends { readonly id: number }> {
  readonly protocol: string;
  /** A question as a message. */
  readonly format: (question: Q, id: number) => Uint8Array;
  /** @throws PyrsiaError `DOCUMENT_INVALID` for what is no answer */
  readonly parse: (message: Uint8Array) => A;
  /** Whether it is an answer to this question. */
  readonly fits: (question: Q, answer: A) => boolean;
}

/**
 * Asks one question. A peer answers 20 in a second.
 *
 * @throws PeerFault, or whatever the signal is aborted with.
 */
export type AskOn<Q, A> = (connection: Connection, question: Q, options?: CallOptions) => Promise<A>;

/** No peer has been asked. */
export function openAsker<Q, A extends { readonly id: number }>(
  asking: Asking<Q, A>,
  clock: Clock,
): AskOn<Q, A> {
  const streams = new WeakMap<Connection, Promise<Questions<Q, A>>>();
  const questionsTo = async (connection: Connection): Promise<Questions<Q, A>> => {
    const before = streams.get(connection);
    const open = await before?.catch(() => undefined);
    if (open && !open.channel.closed.aborted) return open;
    // Somebody else may have opened one meanwhile.
    const now = streams.get(connection);
    if (now !== undefined && now !== before) return questionsTo(connection);
    const opening = openQuestions(connection, asking, clock);
    streams.set(connection, opening);
    return opening;
  };
  return async (connection, question, { signal } = {}) => {
    signal?.throwIfAborted();
    const answering = questionsTo(connection).then(async ({ ask }) => ask(question));
    return unlessAborted(answering, signal);
  };
}

interface Questions<Q, A> {
  readonly channel: Channel;
  ask(this: void, question: Q): Promise<A>;
}

interface Asked<Q, A> {
  readonly question: Q;
  readonly at: number;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

async function openQuestions<Q, A extends { readonly id: number }>(
  connection: Connection,
  { protocol, format, parse, fits }: Asking<Q, A>,
  clock: Clock,
): Promise<Questions<Q, A>> {
  const stream = await openStream(connection, protocol);
  const channel = channelOver(stream, connection.remotePeer.toString(), 'lied');
  const waiting = new Map<number, Asked<Q, A>>();
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
      const answer = parse(message);
      const asked = waiting.get(answer.id);
      if (!asked || !fits(asked.question, answer))
        throw channel.close('lied', 'it answers what it was not asked');
      channel.expect(length - FRAME_LIMIT);
      waiting.delete(answer.id);
      used = clock.now();
      asked.resolve(answer);
    }
  };
  readAnswers().catch((error: Error) => channel.close('malformed', error.message));

  const askNow = async (question: Q): Promise<A> => {
    channel.closed.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    const id = (last = (last + 1) >>> 0);
    waiting.set(id, { question, at: clock.now(), resolve, reject });
    channel.expect(4 + FRAME_LIMIT);
    await channel.send(frame(format(question, id)));
    return promise;
  };
  return {
    channel,
    async ask(question) {
      const before = turns.shift();
      const answer = (async () => {
        await before;
        return askNow(question);
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
