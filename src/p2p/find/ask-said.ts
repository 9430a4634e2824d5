import type { Clock } from '../clock.ts';
import { type AskOn, openAsker } from '../wire/question-stream.ts';
import { formatSaidQuestion, parseSaidAnswer, SAID_PROTOCOL, type SaidAnswer } from '../wire/said.ts';

/** Asks peers what registries have said, for at most 64 names in one question. Nobody has been asked. */
export function openSaidAsker(clock: Clock): AskOn<readonly Uint8Array[], SaidAnswer> {
  return openAsker(
    {
      protocol: SAID_PROTOCOL,
      format: (names, id) => formatSaidQuestion({ id, names }),
      parse: parseSaidAnswer,
      fits: (names, { said }) => names.length === said.length,
    },
    clock,
  );
}
