/**
 * Waiting for an agent that is on its way.
 *
 * @module
 */
import { watch } from 'node:fs';
import { basename } from 'node:path';
import { socketPath } from './directory.ts';

/** Somebody who waits until an agent listens. */
export interface Arrival extends Disposable {
  /** Resolves once something has become of the agent's socket since the last time, or after `patienceMs`. */
  wait(patienceMs: number): Promise<void>;
}

/** Waits for the agent in `directory`, which exists. Where the system does not tell of files, only time passes. */
export function expectAgent(directory: string): Arrival {
  const socket = basename(socketPath(directory));
  let news = false;
  let wake: (() => void) | undefined;

  const watcher = attempt(() =>
    watch(directory, { persistent: false }, (_, name) => {
      if (name !== socket) return;
      news = true;
      wake?.();
    }),
  );
  watcher?.on('error', () => watcher.close());

  return {
    async wait(patienceMs) {
      if (!news) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, patienceMs);
        await promise;
        clearTimeout(timer);
      }
      news = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // It has no more watches to give.
  }
}
