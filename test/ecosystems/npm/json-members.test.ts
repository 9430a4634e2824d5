import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { members, pick, valueOf } from '../../../src/ecosystems/npm/json-members.ts';

const walk = (text: string) =>
  [...members(Buffer.from(text))].map(({ key, value }) => [key, valueOf(value)] as const);
const record = fc.dictionary(
  fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\\\\"', '}', '__proto__')),
  fc.jsonValue(),
);
const space = fc.constantFrom(0, 1, '\t', '\r\n\t ');

describe('The members of a JSON object', () => {
  test.prop([record, space])('are those that JSON.parse finds', (object, indent) => {
    const text = JSON.stringify(object, null, indent);
    expect(walk(text)).toEqual(Object.entries(JSON.parse(text) as object));
  });

  test.prop([record])('are found without space around them', (object) => {
    const text = ` \n${JSON.stringify(object)}\t `;
    expect(walk(text)).toEqual(Object.entries(object));
  });

  it('have their keys unescaped', () => {
    expect(walk(String.raw`{"\u006eame":1,"a\"b\\":2,"\ud83d\ude00":3,"é":4}`)).toEqual([
      ['name', 1],
      ['a"b\\', 2],
      ['😀', 3],
      ['é', 4],
    ]);
  });

  it('may come twice, and then the last one counts', () => {
    const bytes = Buffer.from(String.raw`{"a":1,"b":{"a":9},"\u0061":[2]}`);
    expect(valueOf(pick(bytes, ['a']).get('a')!)).toEqual([2]);
  });

  it('are read from a view as from a whole', () => {
    const bytes = Buffer.from('xx{"a":{"b":1}}xx').subarray(2, -2);
    expect(valueOf(pick(pick(bytes, ['a']).get('a')!, ['b']).get('b')!)).toBe(1);
  });

  test.prop([record], { numRuns: 20 })('are an error wherever the text breaks off', (object) => {
    const bytes = Buffer.from(JSON.stringify(object));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => [...members(bytes.subarray(0, length))]).toThrow(SyntaxError);
    }
  });

  it.each([
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{"a":1 "b":2}',
    '{a:1}',
    '{"a":01}',
    '{"a":tru}',
    '{"a":1}x',
    '{"a":[}]}',
    '{"a":]}',
    '{"a\n":1}',
  ])('are an error in %j', (text) => {
    expect(() => walk(text)).toThrow(SyntaxError);
  });

  it.each(['{"a":[}]}', '{"a":[{]}}', '{"a":{"b":[}}]}', '{"a":{]}'])(
    'have brackets that match, as %j has not, also where nobody looks into them',
    (text) => expect(() => [...members(Buffer.from(text))]).toThrow(SyntaxError),
  );

  it('are not followed into any depth', () => {
    expect(() => walk(`{"a":${'['.repeat(1e6)}`)).toThrow('more than 500 levels');
  });
});
