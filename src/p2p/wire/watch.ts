import type { Channel } from './channel.ts';
import type { Clock } from '../clock.ts';
import type { FaultKind } from './lane.ts';

/** How often a channel is looked at, in milliseconds. */
const EVERY = 1000;

/** Looks at a channel each second until it is closed, and closes it with what `wrong` says of that moment. */
export function watch(
  channel: Channel,
  clock: Clock,
  wrong: (now: number) => readonly [kind: FaultKind, reason: string] | undefined,
): void {
  void (async () => {
    while (!channel.closed.aborted) {
      await clock.sleep(EVERY, channel.closed);
      const found = channel.closed.aborted ? undefined : wrong(clock.now());
      if (found) channel.close(...found);
    }
  })();
}
