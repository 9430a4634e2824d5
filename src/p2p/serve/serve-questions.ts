import { frame, FRAME_LIMIT, parseFrameLength } from '../wire/wire.ts';
import type { Served } from './serving.ts';

/**
 * Answers questions in frames one after the other, until there are no more. What waits to be read is one frame at most.
 *
 * @param parse - @throws PyrsiaError `DOCUMENT_INVALID` for what is no question
 * @param answer - as a message, once the peer's share allows it
 */
export async function serveQuestions<Q>(
  { channel, share, useful, send }: Served,
  parse: (message: Uint8Array) => Q,
  answer: (question: Q) => Promise<Uint8Array>,
): Promise<void> {
  channel.expect(4 + FRAME_LIMIT);
  for (;;) {
    const start = await channel.read(4);
    if (start === undefined) return;
    const message = await channel.read(parseFrameLength(start));
    if (message === undefined) return;
    const question = parse(message);
    channel.expect(4 + message.byteLength);
    useful();
    await share.question(channel.closed);
    await send(frame(await answer(question)));
  }
}
