import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readMessages, toLine } from '../../src/control/lines.ts';

/** What is made of what a socket brings, piece by piece. */
async function heard(limit: number, pieces: readonly string[]) {
  const socket = new PassThrough();
  const messages: unknown[] = [];
  const malformed: string[] = [];
  readMessages(socket as unknown as Socket, limit, {
    onMessage: (message) => messages.push(message),
    onMalformed: (reason) => malformed.push(reason),
  });
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise(setImmediate);
  }
  return { messages, malformed };
}

describe('messages', () => {
  it('come one a line, however the lines are cut', async () => {
    const text = [{ id: 1 }, { id: 2, text: 'two\nlines' }].map(toLine).join('');
    const expected = { messages: [{ id: 1 }, { id: 2, text: 'two\nlines' }], malformed: [] };
    expect(await heard(100, [text])).toEqual(expected);
    expect(await heard(100, text.split(''))).toEqual(expected);
  });

  it('may have as many bytes as the limit says, and no more, with or without an end', async () => {
    const line = toLine({ text: 'x'.repeat(50) });
    expect(await heard(line.length - 1, [line])).toMatchObject({ malformed: [] });
    const tooLong = { messages: [], malformed: ['a line of more than 10 bytes came'] };
    expect(await heard(10, [line, toLine({})])).toEqual(tooLong);
    expect(await heard(10, ['{"a"', ':"xxxxxxx', 'xxxx', toLine({})])).toEqual(tooLong);
  });

  it.each(['[1]', 'null', '"text"', '{', ''])('are not %j, and nothing is read after it', async (text) => {
    const { messages, malformed } = await heard(100, [toLine({ id: 1 }), `${text}\n`, toLine({ id: 2 })]);
    expect(messages).toEqual([{ id: 1 }]);
    expect(malformed).toEqual([`no message but ${JSON.stringify(text)} came`]);
  });
});
