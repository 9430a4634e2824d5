/**
 * Bytes made from others, a little wrong.
 *
 * @module
 */

/** Numbers from 0 to below 1 that look random, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What formats and those who read them stumble over. */
const PIECES = [
  '\n',
  '\n\n',
  '\r\n',
  '\0',
  '\t',
  ' ',
  '  ',
  '+',
  '=',
  '==',
  '"',
  '\\',
  '\\u0000',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\u2014 ',
  '\u3000',
  '\uFEFF',
  '\u202E',
  '0',
  '00',
  '-1',
  '1e9',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '1.5',
  'null',
  '__proto__',
  'constructor',
  'none',
  'all',
  'any',
  'quorum none\n',
  'index ',
  'old ',
  'extra ',
  'AAAA',
  'A'.repeat(44),
  'group g any g\n',
].map((text) => Buffer.from(text));
const BYTES = [
  Buffer.from([0xff]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0, 0]),
];

/** Alters a sample at one to four places, or joins it with another one. */
export function alter(samples: readonly Uint8Array[], random: () => number): Uint8Array {
  const below = (n: number): number => Math.floor(random() * n);
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!;
  let bytes = Buffer.from(one(samples));
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length + 1);
    const length = Math.min(bytes.length - at, random() < 0.8 ? 1 + below(8) : below(bytes.length + 1));
    const [before, part, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    const other = Buffer.from(one(samples));
    const changes = [
      () => [before, part.map((byte, i) => (i === 0 ? byte ^ (1 << below(8)) : byte)), after],
      () => [before, after],
      () => [before, part, part, after],
      () => [before, one([...PIECES, ...BYTES]), part, after],
      () => [before, one([...PIECES, ...BYTES]), after],
      () => [before, Buffer.from(Array.from(part, () => below(256))), after],
      () => [before, other.subarray(below(other.length + 1))],
      () => [before],
    ];
    bytes = Buffer.concat(one(changes)());
  }
  return bytes.subarray(0, 2 ** 16);
}
