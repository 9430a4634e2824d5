import { formatHaveAnswer, parseHaveQuestion } from '../wire/wire.ts';
import { serveQuestions } from './serve-questions.ts';
import type { Served, Serving } from './serving.ts';

/** Answers who has what, until nothing more is asked. */
export async function serveHave(served: Served, { offers, gives, hints }: Serving): Promise<void> {
  const { connection } = served;
  await serveQuestions(served, parseHaveQuestion, async (question) => {
    const may = gives(connection);
    const holdings = question.digests.map((digest) => {
      const offer = may ? offers.find(digest) : undefined;
      return offer && { size: offer.size, available: offer.available };
    });
    const others = may && question.delegate ? await hints(question, connection) : [];
    return formatHaveAnswer({ id: question.id, holdings, hints: others });
  });
}
