import { rmSync } from 'node:fs';

/** What ends a command that does not say otherwise. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Takes a file or a directory away when a signal ends this process before `release` of it is called, as whoever has
 * written it would: nobody else knows that it was of no use.
 *
 * @returns `release`
 */
export function goneWhenEnded(path: string): () => void {
  const end = (signal: NodeJS.Signals): void => {
    rmSync(path, { recursive: true, force: true });
    // Ours stood in the way of what a signal does by itself.
    process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.once(signal, end);
  return () => {
    for (const signal of ENDING) process.off(signal, end);
  };
}
