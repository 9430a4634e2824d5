/**
 * What upstreams have said they do not have: a tool that looks into several of them asks each for everything, time
 * and again.
 *
 * @module
 */
import type { Asker } from './asker.ts';

/** The most absences that are remembered; the oldest are forgotten. */
const KEPT = 20_000;

/** Absences, as long as their ecosystem believes them. */
export interface Absences {
  /** Whether upstream has lately said that there is nothing at this path. */
  has(asker: Asker, path: string): boolean;
  add(asker: Asker, path: string): void;
}

/** None so far. */
export function openAbsences(now: () => number): Absences {
  const since = new Map<string, number>();
  return {
    has(asker, path) {
      const at = since.get(keyOf(asker, path));
      const { absent } = asker.upstream.ecosystem.registry;
      // A clock that was set back makes none last longer.
      return at !== undefined && absent !== undefined && now() >= at && now() < at + absent.forMs;
    },
    add(asker, path) {
      if (!asker.upstream.ecosystem.registry.absent) return;
      const key = keyOf(asker, path);
      since.delete(key);
      since.set(key, now());
      for (const oldest of since.keys()) {
        if (since.size <= KEPT) break;
        since.delete(oldest);
      }
    },
  };
}

function keyOf({ upstream }: Asker, path: string): string {
  return `${upstream.url.href} ${path}`;
}
