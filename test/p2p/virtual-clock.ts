import type { Clock } from '../../src/p2p/clock.ts';

/** Time that goes on only when everybody waits for it, and then at once. */
export interface VirtualClock extends Clock {
  /** What the clock says is this much later at once, though nobody has waited. */
  jump(ms: number): void;
}

/** Starts a time. Nothing else than it may be waited for: no disk, no network. */
export function virtualClock(): VirtualClock {
  let time = 0;
  let isTurning = false;
  const sleepers: { at: number; wake: () => void }[] = [];

  function turn(): void {
    if (isTurning || sleepers.length === 0) return;
    isTurning = true;
    // Two turns: what a first one has set going has come to its end.
    setImmediate(() =>
      setImmediate(() => {
        isTurning = false;
        const next = sleepers.shift();
        if (next === undefined) return;
        time = Math.max(time, next.at);
        next.wake();
        turn();
      }),
    );
  }
  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { at: time + ms, wake: resolve };
        const before = sleepers.findIndex(({ at }) => at > sleeper.at);
        sleepers.splice(before === -1 ? sleepers.length : before, 0, sleeper);
        signal?.addEventListener('abort', () => {
          const at = sleepers.indexOf(sleeper);
          if (at !== -1) sleepers.splice(at, 1);
          resolve();
        });
        turn();
      }),
    jump: (ms) => void (time += ms),
  };
}
