import type { Served, Serving } from './serving.ts';
import { formatHaveAnswer, frame, FRAME_LIMIT, parseFrameLength, parseHaveQuestion } from '../wire/wire.ts';

/** Answers questions one after the other, until there are no more. What waits to be read is one frame at most. */
export async function serveHave(served: Served, { offers, gives, hints }: Serving): Promise<void> {
  const { channel, share, connection } = served;
  channel.expect(4 + FRAME_LIMIT);
  for (;;) {
    const start = await channel.read(4);
    if (start === undefined) return;
    const message = await channel.read(parseFrameLength(start));
    if (message === undefined) return;
    const question = parseHaveQuestion(message);
    channel.expect(4 + message.byteLength);
    served.useful();
    await share.question(channel.closed);
    const may = gives(connection);
    const holdings = question.digests.map((digest) => {
      const offer = may ? offers.find(digest) : undefined;
      return offer && { size: offer.size, available: offer.available };
    });
    const others = may && question.delegate ? await hints(question, connection) : [];
    await served.send(frame(formatHaveAnswer({ id: question.id, holdings, hints: others })));
  }
}
