import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/p2p/clock.ts';

/** Time that passes when a test says so. */
export interface TestClock extends Clock {
  /** Lets so many milliseconds pass, and whatever waits for them go on. */
  pass(this: void, ms: number): Promise<void>;
}

/** Time stands at 0. */
export function testClock(): TestClock {
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  let time = 0;
  return {
    now: () => time,
    async sleep(ms, signal) {
      if (signal?.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { until: time + ms, wake: resolve };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', () => resolve());
      await promise;
      sleepers.delete(sleeper);
    },
    async pass(ms) {
      const end = time + ms;
      await setImmediate();
      for (;;) {
        const due = [...sleepers].toSorted((a, b) => a.until - b.until)[0];
        if (due === undefined || due.until > end) break;
        time = Math.max(time, due.until);
        sleepers.delete(due);
        due.wake();
        await setImmediate();
      }
      time = end;
      await setImmediate();
    },
  };
}
