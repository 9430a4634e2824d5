import { expect, it } from 'vitest';
import { markFresh, spend } from '../../src/p2p/wire/spent.ts';

const read = (): Uint8Array => {
  const bytes = new Uint8Array(1000);
  markFresh(bytes);
  return bytes;
};

it('Memory is freed once all that was read into it has been copied', () => {
  const bytes = read();
  spend(bytes);
  expect(bytes.buffer.byteLength).toBe(0);
});

it('Memory is left alone of which somebody else may have another part', () => {
  const bytes = read();
  spend(bytes.subarray(0, 999));
  spend(bytes.subarray(1));
  expect(bytes.buffer.byteLength).toBe(1000);
});

it('Memory is left alone that was not read from a connection', () => {
  const bytes = new Uint8Array(1000);
  spend(bytes);
  expect(bytes).toHaveLength(1000);
});
