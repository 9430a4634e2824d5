import { describe, expect, it } from 'vitest';
import { breaksAt, fails, has, lacks, lies, stalls } from './actors.ts';
import { bytesOf, chunked } from './streams.ts';

const bytes = Uint8Array.from({ length: 3000 }, (_, at) => at % 251);
const wanted = { digests: [] };
const read = async (source: ReturnType<typeof has>, options = {}) =>
  bytesOf((await source.open(wanted, options))!.chunks);

describe('the actors', () => {
  it('has all of it, or the part that is asked for', async () => {
    expect(await read(has('peer', bytes))).toEqual(bytes);
    expect(await read(has('peer', bytes), { offset: 2000 })).toEqual(bytes.subarray(2000));
    expect(await read(has('peer', bytes), { offset: 10, length: 5 })).toEqual(bytes.subarray(10, 15));
  });

  it('lacks it', async () => {
    expect(await lacks('cache').open(wanted)).toBeUndefined();
  });

  it('fails to answer', async () => {
    await expect(fails('peer').open(wanted)).rejects.toThrow('no route');
  });

  it('lies about every byte', async () => {
    const told = await read(lies('peer', bytes));
    expect(told).toHaveLength(bytes.length);
    expect(told.every((byte, at) => byte !== bytes[at])).toBe(true);
  });

  it('stalls until it is aborted', async () => {
    await expect(read(stalls('peer'), { signal: AbortSignal.timeout(10) })).rejects.toThrow('timeout');
    await expect(read(stalls('peer'), { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it('breaks at a byte, and goes on from there', async () => {
    const source = breaksAt('upstream', bytes, 2000);
    const { chunks } = (await source.open(wanted))!;
    const got: Uint8Array[] = [];
    await expect(
      (async () => {
        for await (const chunk of chunks) got.push(chunk);
      })(),
    ).rejects.toThrow('broken at 2000');
    expect(await bytesOf(got)).toEqual(bytes.subarray(0, 2000));
    expect(await read(source, { offset: 2000 })).toEqual(bytes.subarray(2000));
  });
});

describe('chunked', () => {
  it('cuts into pieces of a size', async () => {
    const pieces = await Array.fromAsync(chunked(bytes, 1024));
    expect(pieces.map(({ byteLength }) => byteLength)).toEqual([1024, 1024, 952]);
  });
});
