import { randomBytes } from 'node:crypto';
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { isPyrsiaError } from '../../src/errors.ts';
import { digestOfMultihash, multihashOf } from '../../src/p2p/wire/multihash.ts';
import * as wire from '../../src/p2p/wire/wire.ts';

const sha256: Digest = `sha256:${'a1'.repeat(32)}`;
const sha512: Digest = `sha512:${'b2'.repeat(64)}`;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Of what code a refusal is, and what it says. */
function refusal(read: () => unknown): string {
  try {
    return `Read: ${JSON.stringify(read())}`;
  } catch (error) {
    if (!isPyrsiaError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

const number = fc.maxSafeNat();
const digest = fc
  .tuple(fc.constantFrom('sha256', 'sha512'), fc.uint8Array({ maxLength: 3 }))
  .map(([algorithm, bytes]) => digestOf(bytes, algorithm as 'sha256' | 'sha512'));
const shortText = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
  minLength: 1,
  maxLength: 255,
});

describe('a multihash', () => {
  it('has the code of its function and its length in front', () => {
    expect(hex(multihashOf(sha256)!)).toBe(`1220${'a1'.repeat(32)}`);
    expect(hex(multihashOf(sha512)!)).toBe(`1340${'b2'.repeat(64)}`);
  });

  it('is not made of what can be forged', () => {
    expect(multihashOf(`sha1:${'0'.repeat(40)}`)).toBeUndefined();
    expect(digestOfMultihash(Buffer.from(`1114${'0'.repeat(40)}`, 'hex'))).toBeUndefined();
  });

  it('is read only where it is exactly one', () => {
    const bytes = multihashOf(sha256)!;
    expect(digestOfMultihash(bytes)).toBe(sha256);
    expect(digestOfMultihash(bytes.subarray(1))).toBeUndefined();
    expect(digestOfMultihash(Buffer.concat([bytes, bytes]))).toBeUndefined();
    expect(digestOfMultihash(new Uint8Array())).toBeUndefined();
    // The code of one function and the length of the other.
    expect(digestOfMultihash(Buffer.from(`1240${'a1'.repeat(64)}`, 'hex'))).toBeUndefined();
  });
});

describe('messages between peers', () => {
  it('have the bytes that are written down', () => {
    const question = wire.formatHaveQuestion({ id: 7, delegate: true, digests: [sha256] });
    expect(hex(wire.frame(question))).toBe(`00000029000000070100011220${'a1'.repeat(32)}`);
    const answer = wire.formatHaveAnswer({
      id: 7,
      holdings: [{ size: 5, available: 5 }, undefined, { size: 5, available: 4 }],
      hints: [{ peer: 'P', addresses: ['/a'], which: [0, 2] }],
    });
    expect(hex(answer)).toBe(
      [
        '00000007',
        '0003',
        '010000000000000005',
        '00',
        '0200000000000000050000000000000004',
        '01',
        '0150',
        '01',
        '022f61',
        '05',
      ].join(''),
    );
    const request = wire.formatBlobRequest({ kind: 'bytes', digest: sha256, offset: 258, length: 65_536 });
    expect(hex(request)).toBe(`000000000000000102000100001220${'a1'.repeat(32)}`);
    const start = wire.formatBlobAnswer({ status: 'here', size: 9, available: 8, length: 3 });
    expect(hex(start)).toBe('000000000000000009000000000000000800000003');
    expect(start).toHaveLength(wire.ANSWER_START);
  });

  it('are read as they were written', () => {
    const holding = fc.option(
      fc.tuple(number, number).map(([a, b]) => ({ size: Math.max(a, b), available: Math.min(a, b) })),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.array(fc.tuple(digest, holding), { maxLength: wire.DIGESTS_LIMIT }),
        fc.array(fc.tuple(shortText, fc.array(shortText, { maxLength: wire.ADDRESSES_LIMIT })), {
          maxLength: wire.HINTS_LIMIT,
        }),
        (id, held, others) => {
          const question = { id, delegate: id % 2 === 0, digests: held.map(([each]) => each) };
          expect(wire.parseHaveQuestion(wire.formatHaveQuestion(question))).toEqual(question);
          const which = held.flatMap((_, i) => (i % 3 === 0 ? [i] : []));
          const hints = others.map(([peer, addresses]) => ({ peer, addresses, which }));
          const answer = { id, holdings: held.map(([, each]) => each), hints };
          expect(wire.parseHaveAnswer(wire.formatHaveAnswer(answer))).toEqual(answer);
        },
      ),
    );
    fc.assert(
      fc.property(digest, number, fc.integer({ min: 1, max: wire.LENGTH_LIMIT }), (of, offset, length) => {
        const request = { kind: 'bytes', digest: of, offset, length } as const;
        const bytes = wire.formatBlobRequest(request);
        expect(wire.requestLength(bytes.subarray(0, wire.REQUEST_START))).toBe(bytes.byteLength);
        expect(wire.parseBlobRequest(bytes)).toEqual(request);
        const answer = { status: 'here', size: offset, available: offset, length } as const;
        expect(wire.parseBlobAnswer(wire.formatBlobAnswer(answer))).toEqual(answer);
      }),
    );
  });

  it('fit into a frame, however much they tell', () => {
    const digests = Array.from({ length: wire.DIGESTS_LIMIT }, () => sha512);
    const text = 'x'.repeat(255);
    const answer = wire.formatHaveAnswer({
      id: 1,
      holdings: digests.map(() => ({ size: 2, available: 1 })),
      hints: Array.from({ length: wire.HINTS_LIMIT }, () => ({
        peer: text,
        addresses: Array.from({ length: wire.ADDRESSES_LIMIT }, () => text),
        which: digests.map((_, i) => i),
      })),
    });
    const framed = wire.frame(answer);
    expect(wire.parseFrameLength(framed.subarray(0, 4))).toBe(answer.byteLength);
    expect(wire.frame(wire.formatHaveQuestion({ id: 1, delegate: false, digests })).byteLength).toBeLessThan(
      wire.FRAME_LIMIT / 3,
    );
  });

  it('are refused where they ask or tell too much', () => {
    expect(refusal(() => wire.parseFrameLength(Buffer.from('00010001', 'hex')))).toMatch(
      /^DOCUMENT_INVALID .*it has 65537 bytes/,
    );
    expect(refusal(() => wire.parseFrameLength(Buffer.alloc(4)))).toMatch(
      /^DOCUMENT_INVALID .*it has 0 bytes/,
    );
    const digests = Array.from({ length: 257 }, () => sha256);
    expect(
      refusal(() => wire.parseHaveQuestion(wire.formatHaveQuestion({ id: 1, delegate: false, digests }))),
    ).toMatch(/^DOCUMENT_INVALID .*about 257 digests/);
    const request = { kind: 'bytes', digest: sha256, offset: 0 } as const;
    const asks = (length: number) => () =>
      wire.parseBlobRequest(wire.formatBlobRequest({ ...request, length }));
    expect(refusal(asks(wire.LENGTH_LIMIT + 1))).toMatch(/^DOCUMENT_INVALID .*about 4194305 bytes/);
    expect(refusal(asks(0))).toMatch(/^DOCUMENT_INVALID .*asks for nothing/);
    const length = wire.LENGTH_LIMIT + 1;
    const answer = wire.formatBlobAnswer({ status: 'here', size: 2 ** 40, available: 2 ** 40, length });
    expect(refusal(() => wire.parseBlobAnswer(answer))).toMatch(/^DOCUMENT_INVALID .*about 4194305 bytes/);
  });

  it('are refused where they contradict themselves', () => {
    const holdings = [{ size: 4, available: 5 }];
    expect(
      refusal(() => wire.parseHaveAnswer(wire.formatHaveAnswer({ id: 1, holdings, hints: [] }))),
    ).toMatch(/^DOCUMENT_INVALID .*no part/);
    const answer = { status: 'here', size: 4, available: 4, length: 1 } as const;
    const parse = (other: object) => () =>
      wire.parseBlobAnswer(wire.formatBlobAnswer({ ...answer, ...other }));
    expect(refusal(parse({ available: 5 }))).toMatch(/^DOCUMENT_INVALID .*more than all/);
    expect(refusal(parse({ length: 0 }))).toMatch(/^DOCUMENT_INVALID .*"here", with 0 bytes/);
    expect(refusal(parse({ status: 'none' }))).toMatch(/^DOCUMENT_INVALID .*"none", with 1 bytes/);
    expect(refusal(parse({ status: 'busy' }))).toMatch(/^DOCUMENT_INVALID .*"busy", with 1 bytes/);
    const hints = [{ peer: 'P', addresses: [], which: [2] }];
    const hinting = wire.formatHaveAnswer({ id: 1, holdings: [undefined, undefined], hints });
    expect(refusal(() => wire.parseHaveAnswer(hinting))).toMatch(
      /^DOCUMENT_INVALID .*what was not asked for/,
    );
    expect(
      refusal(() =>
        wire.parseBlobRequest(wire.formatBlobRequest({ kind: 'list', digest: sha256, offset: 1, length: 1 })),
      ),
    ).toMatch(/^DOCUMENT_INVALID .*a part of a list/);
  });

  it('are refused where a bit more, less or other than there may be is in them', () => {
    const question = wire.formatHaveQuestion({ id: 1, delegate: false, digests: [sha256] });
    expect(refusal(() => wire.parseHaveQuestion(Buffer.concat([question, Buffer.alloc(1)])))).toMatch(
      /^DOCUMENT_INVALID .*follows its end/,
    );
    expect(refusal(() => wire.parseHaveQuestion(question.subarray(0, -1)))).toMatch(
      /^DOCUMENT_INVALID .*stops early/,
    );
    const flagged = Buffer.from(question);
    flagged[4] = 2;
    expect(refusal(() => wire.parseHaveQuestion(flagged))).toMatch(/^DOCUMENT_INVALID .*unknown flags/);
    const large = Buffer.from(wire.formatBlobAnswer({ status: 'none', size: 0, available: 0, length: 0 }));
    large[1] = 0x20;
    expect(refusal(() => wire.parseBlobAnswer(large))).toMatch(/^DOCUMENT_INVALID .*too large/);
    large[0] = 3;
    expect(refusal(() => wire.parseBlobAnswer(large))).toMatch(/^DOCUMENT_INVALID .*unknown kind 3/);
    expect(refusal(() => wire.requestLength(randomBytes(13)))).toMatch(/^DOCUMENT_INVALID .*unknown kind/);
    const hint = wire.formatHaveAnswer({
      id: 1,
      holdings: [],
      hints: [{ peer: 'a b', addresses: [], which: [] }],
    });
    expect(refusal(() => wire.parseHaveAnswer(hint))).toMatch(/^DOCUMENT_INVALID .*other characters/);
  });
});
