import { setImmediate as turn } from 'node:timers/promises';

/** How long others wait for us, in milliseconds. */
const TURN_MS = 4;

/** Lets others have their turn, when they have waited for long enough. */
export function breather(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await turn();
    since = performance.now();
  };
}
