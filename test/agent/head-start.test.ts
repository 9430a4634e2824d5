import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isWorthWaiting, openHeadStart } from '../../src/agent/head-start.ts';

describe('A tool gains by starting later', () => {
  it.each([
    ['while the first package may still come', { lacking: 500, come: 0, ms: 99 }, true],
    ['not where none comes', { lacking: 500, come: 0, ms: 100 }, false],
    ['while it cannot be seen how quickly they come', { lacking: 500, come: 1, ms: 60, comingMs: 49 }, true],
    ['where they come quickly, and are many', { lacking: 500, come: 100, ms: 200, comingMs: 100 }, true],
    ['not where they come slowly', { lacking: 500, come: 12, ms: 200, comingMs: 50 }, false],
    ['not when the rest comes while it starts', { lacking: 500, come: 210, ms: 300, comingMs: 210 }, false],
    ['not when all are there', { lacking: 500, come: 500, ms: 300, comingMs: 40 }, false],
    ['not where few are lacking', { lacking: 63, come: 0, ms: 0 }, false],
  ])('%s', (_, progress, worth) => {
    expect(isWorthWaiting(progress)).toBe(worth);
  });
});

/** Whether the tool may start after so many milliseconds, in which a package came every `each`. */
async function isOverAfter(ms: number, about: { each?: number; gone?: boolean; ended?: boolean } = {}) {
  const gone = new AbortController();
  const headStart = openHeadStart(gone.signal);
  let isOver = false;
  void headStart.over.then(() => (isOver = true));
  const coming = about.each === undefined ? undefined : setInterval(headStart.came, about.each);
  headStart.lack(10_000);
  if (about.gone) gone.abort();
  if (about.ended) headStart.end();
  await vi.advanceTimersByTimeAsync(ms);
  clearInterval(coming);
  headStart.end();
  return isOver;
}

describe('A head start', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lasts as long as packages come quickly, and no longer than 450 ms', async () => {
    expect(await isOverAfter(440, { each: 2 })).toBe(false);
    expect(await isOverAfter(450, { each: 2 })).toBe(true);
  });

  it('ends soon where they come slowly, or not at all', async () => {
    expect(await isOverAfter(120)).toBe(true);
    expect(await isOverAfter(160, { each: 20 })).toBe(true);
  });

  it('tells where the tool is held back', () => {
    const waits = vi.fn<() => void>();
    for (const count of [63, 64]) {
      const headStart = openHeadStart(new AbortController().signal, waits);
      headStart.lack(count);
      expect(waits).toHaveBeenCalledTimes(count - 63);
      headStart.end();
    }
  });

  it('ends with the launch, and when there is nothing to wait for', async () => {
    expect(await isOverAfter(0, { each: 2, gone: true })).toBe(true);
    expect(await isOverAfter(0, { each: 2, ended: true })).toBe(true);
  });
});
