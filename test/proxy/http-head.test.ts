import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { framingOf, parseHead } from '../../src/proxy/http-head.ts';

const head = (text: string) => parseHead(Buffer.from(`${text}\r\n\r\n`));

const framing = (headers: Record<string, string>) =>
  framingOf({ method: 'POST', target: '/', headers: new Map(Object.entries(headers)) });

describe('A head', () => {
  it('is method, target and headers', () => {
    const found = head(
      'POST /v1.41/images/create?fromImage=a HTTP/1.1\r\nHost: docker\r\nX-Registry-Auth:  e30=',
    );
    expect(found).toMatchObject({ method: 'POST', target: '/v1.41/images/create?fromImage=a' });
    expect(found!.headers.get('x-registry-auth')).toBe('e30=');
  });

  it.each(['', 'PRI * HTTP/2.0', 'GET / HTTP/1.0', 'GET  / HTTP/1.1', 'GET / HTTP/1.1\r\nno header'])(
    'is none of ours: %j',
    (text) => expect(head(text)).toBeUndefined(),
  );

  it('is none without its end', () => expect(parseHead(Buffer.from('GET / HTTP/1.1\r\n'))).toBeUndefined());
});

describe('A body', () => {
  it('is none without a length', () => expect(framing({})!.isOver).toBe(true));

  it('ends where nobody can tell in other codings', () => {
    expect(framing({ 'transfer-encoding': 'gzip, chunked' })).toBeUndefined();
    expect(framing({ 'content-length': '1, 2' })).toBeUndefined();
  });

  it('is refused when a chunk has no size, or too long a line for it', () => {
    // With less than nothing there would be no end to it.
    for (const line of ['x', '', '-5', '0x5', '5 5', '1'.repeat(13)])
      expect(() => framing({ 'transfer-encoding': 'chunked' })!.feed(Buffer.from(`${line}\r\n`))).toThrow(
        'No size',
      );
    expect(() => framing({ 'transfer-encoding': 'chunked' })!.feed(Buffer.alloc(5000, '0'))).toThrow(
      'too long',
    );
  });

  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 5 });
  test.prop([chunks, cuts, fc.boolean(), fc.boolean()])(
    'ends where it ends, however it is cut',
    (parts, lengths, isChunked, hasTrailer) => {
      const coded = [
        ...parts.flatMap((part) => [
          Buffer.from(`${part.length.toString(16)};x=1\r\n`),
          part,
          Buffer.from('\r\n'),
        ]),
        Buffer.from(`0\r\n${hasTrailer ? 'a: b\r\n' : ''}\r\n`),
      ];
      const body = Buffer.concat(isChunked ? coded : parts);
      const found = framing(
        isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.byteLength) },
      )!;
      const all = Buffer.concat([body, Buffer.from('GET /next HTTP/1.1\r\n')]);
      let at = 0;
      for (let turn = 0; !found.isOver; turn++) {
        const piece = all.subarray(at, at + lengths[turn % lengths.length]!);
        at += found.feed(piece);
      }
      expect(at).toBe(body.byteLength);
    },
  );
});
