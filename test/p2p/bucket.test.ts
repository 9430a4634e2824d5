import { describe, expect, it } from 'vitest';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { testClock } from '../support/test-clock.ts';

describe('a bucket', () => {
  it('lets through as much in a second as it says, within a tenth', async () => {
    const clock = testClock();
    const { take } = openBucket(1_000_000, 100, clock);
    let gone = 0;
    void (async () => {
      for (;;) {
        await take(16_384);
        gone += 16_384;
      }
    })();
    for (const second of [1, 2, 3, 10]) {
      await clock.pass(second * 1000 - clock.now());
      expect(gone / second / 1_000_000).toBeGreaterThan(0.9);
      expect(gone / second / 1_000_000).toBeLessThan(second === 1 ? 1.13 : 1.1);
    }
  });

  it('lets what comes after a rest through at once, but no more than a burst', async () => {
    const clock = testClock();
    const { take, delay, full } = openBucket(1000, 100, clock);
    await clock.pass(60_000);
    expect([delay(), full()]).toEqual([0, true]);
    await take(60);
    expect([delay(), full()]).toEqual([0, false]);
    await take(40);
    expect([delay(), full()]).toEqual([1, false]);
    const late = take(1).then(() => clock.now());
    await clock.pass(50);
    expect(await late).toBe(60_001);
    expect(full()).toBe(false);
    await clock.pass(51);
    expect(full()).toBe(true);
  });

  it('has the next wait for what was larger than a burst, in the order in which it was asked', async () => {
    const clock = testClock();
    const { take } = openBucket(1000, 100, clock);
    const order: string[] = [];
    await take(1100);
    void take(10).then(() => order.push(`first at ${clock.now()}`));
    void take(10).then(() => order.push(`second at ${clock.now()}`));
    await clock.pass(2000);
    expect(order).toEqual(['first at 1010', 'second at 1020']);
  });

  it('gives back what was not waited for', async () => {
    const clock = testClock();
    const { take } = openBucket(1000, 100, clock);
    await take(1100);
    const over = new AbortController();
    const taking = take(5000, over.signal);
    over.abort('enough');
    await expect(taking).rejects.toBe('enough');
    const next = take(1).then(() => clock.now());
    await clock.pass(1001);
    expect(await next).toBe(1001);
    await expect(take(1, over.signal)).rejects.toBe('enough');
  });

  it('without a rate lets everything through', async () => {
    const clock = testClock();
    const { take, delay, full } = openBucket(undefined, 100, clock);
    await take(2 ** 40);
    expect([delay(), full(), clock.now()]).toEqual([0, true, 0]);
  });
});
