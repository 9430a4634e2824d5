import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { appendingTo } from '../../src/cache/appending.ts';

const home = mkdtempSync(join(tmpdir(), 'pyrsia-appending-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const room = { reserve: async <T>(_bytes: number, work: () => Promise<T>) => work() };

describe('appending to a file', () => {
  it('writes what a slow line brings in bits in one trip, and at once when it is over', async () => {
    const path = join(home, 'layer');
    const file = await open(path, 'a+');
    const writev = vi.spyOn(file, 'writev');
    const grown = vi.fn<() => void>();
    const appending = appendingTo(file, 0, room, {
      written: grown,
      failed: (error) => expect.fail(String(error)),
    });
    const began = performance.now();
    for (let n = 0; n < 100; n++) {
      appending.add(Buffer.alloc(1000, n));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const trips = writev.mock.calls.length;
    expect(appending.written).toBeLessThan(100_000);
    await appending.over();
    expect(appending.written).toBe(100_000);
    expect(writev.mock.calls.length).toBeLessThanOrEqual(trips + 1);
    // Another one every 10 ms, where this machine has better things to do.
    expect(trips).toBeLessThanOrEqual((performance.now() - began) / 10);
    expect(grown).toHaveBeenCalledTimes(writev.mock.calls.length);
    await file.close();
    expect(readFileSync(path)).toEqual(
      Buffer.concat(Array.from({ length: 100 }, (_, n) => Buffer.alloc(1000, n))),
    );
  });

  it('has whoever reads along wait for a moment only', async () => {
    const file = await open(join(home, 'little'), 'a+');
    const grown = vi.fn<() => void>();
    const appending = appendingTo(file, 0, room, {
      written: grown,
      failed: (error) => expect.fail(String(error)),
    });
    appending.add(Buffer.from('a little'));
    await expect.poll(() => grown.mock.calls.length).toBe(1);
    expect(appending.written).toBe(8);
    await file.close();
  });
});
