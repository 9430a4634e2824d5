/**
 * Answers neighbours what registries have said, by names that they have to know: nothing can be listed, and what is private has
 * no name here.
 *
 * @module
 */
import { performance } from 'node:perf_hooks';
import type { OfferedDocuments, PeerName } from '../contract.ts';
import {
  COPIES_LIMIT,
  COPY_LIMIT,
  encodingOf,
  formatSaidAnswer,
  keyBetween,
  markOf,
  nameUnder,
  parseSaidQuestion,
  type SaidCopy,
} from '../wire/said.ts';
import { serveQuestions } from './serve-questions.ts';
import type { Served, Serving } from './serving.ts';

/** How long the names of what is here are taken to be all, in milliseconds. */
const NAMED_MS = 5000;

/** How many names are made before others get their turn. */
const AT_A_TIME = 2000;

/** Answers what registries have said, until nothing more is asked. */
export async function serveSaid(served: Served, { offers, tells, self }: Serving): Promise<void> {
  const { channel, share, connection } = served;
  const names = openNames(offers.documents, self, channel.peer);
  await serveQuestions(served, parseSaidQuestion, async (question) => {
    const may = tells(connection) && share.names(question.names.length);
    const said: (readonly SaidCopy[])[] = [];
    for (const name of question.names) said.push(may ? await names.copies(name) : []);
    return formatSaidAnswer({ id: question.id, said });
  });
}

/** What is here, by the names that one peer knows it by. */
function openNames(
  documents: OfferedDocuments | undefined,
  self: PeerName,
  asker: PeerName,
): { copies(this: void, name: Uint8Array): Promise<readonly SaidCopy[]> } {
  const key = keyBetween(asker, self);
  let keys = new Map<string, string[]>();
  let until = -Infinity;

  async function look(): Promise<void> {
    const found = new Map<string, string[]>();
    let made = 0;
    for (const place of documents?.places() ?? []) {
      const name = Buffer.from(nameUnder(key, place)).toString('base64');
      const before = found.get(name);
      if (before) before.push(place.key);
      else found.set(name, [place.key]);
      if (++made % AT_A_TIME === 0) await new Promise(setImmediate);
    }
    keys = found;
    until = performance.now() + NAMED_MS;
  }

  return {
    async copies(name) {
      if (!documents) return [];
      if (performance.now() >= until) await look();
      const found = keys.get(Buffer.from(name).toString('base64')) ?? [];
      // To read them takes a while.
      if (found.length > 0) await new Promise(setImmediate);
      return found.slice(0, COPIES_LIMIT).flatMap((each) => {
        const document = documents.find(each);
        const encoding = document && encodingOf(document.encoding);
        if (!encoding || document.size > COPY_LIMIT || document.size === 0) return [];
        const { accept, sha256, size, seenAt } = document;
        return { encoding, mark: markOf(accept), sha256, size, seenAt };
      });
    },
  };
}
