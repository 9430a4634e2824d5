/**
 * A world that a seed decides: its time, which messages are lost or late, and when processes die. The same seed is the same
 * world, whatever the machine.
 *
 * @module
 */
import type { Clock } from '../../src/authority/clock.ts';
import type { LogFiles } from '../../src/authority/log-files.ts';
import { PyrsiaError } from '../../src/errors.ts';
import type { LogFile } from '../../src/log/grow.ts';

/** A process: once it is dead, nothing that it waits for comes, and nothing that it does has an effect. */
export interface Life {
  isDead: boolean;
}

export interface World {
  /** Milliseconds. */
  now(): number;
  /** At least 0, below 1. */
  random(): number;
  /** A whole number below `n`. */
  below(n: number): number;
  /** Whether trouble of this likelihood happens now; none does once the world has calmed down. */
  trouble(likelihood: number): boolean;
  calmDown(): void;
  after(ms: number, happen: () => void): void;
  /** Waits as this process; it may die meanwhile. */
  pause(life: Life, ms: number): Promise<void>;
  clock(life: Life): Clock;
  /** Lets things happen until there are none, `until` says so, or the time is over. */
  run(until: () => boolean, ms: number): Promise<void>;
  /** Called when a process dies by itself. */
  onDeath: (life: Life) => void;
}

/** How likely a process dies at any one wait. */
const DEATH = 0.02;

/** When simulations begin: 2027-01-15, in milliseconds since 1970. */
const START = 1_800_000_000_000;

export function openWorld(seed: number): World {
  let state = seed >>> 0;
  let time = START;
  let order = 0;
  let isCalm = false;
  const queue: { at: number; order: number; happen: () => void }[] = [];

  /** Mulberry32. */
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const after = (ms: number, happen: () => void): void => {
    const event = { at: time + ms, order: order++, happen };
    let i = queue.length;
    while (i > 0 && queue[i - 1]!.at > event.at) i--;
    queue.splice(i, 0, event);
  };
  const world: World = {
    now: () => time,
    random,
    below: (n) => Math.floor(random() * n),
    trouble: (likelihood) => !isCalm && random() < likelihood,
    calmDown: () => void (isCalm = true),
    after,
    async pause(life, ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (life.isDead) return promise;
      if (world.trouble(DEATH)) {
        life.isDead = true;
        world.onDeath(life);
        return promise;
      }
      after(ms, () => {
        if (!life.isDead) resolve();
      });
      return promise;
    },
    clock: (life) => ({
      now: () => time,
      async sleep(ms, signal) {
        const { promise, resolve } = Promise.withResolvers<void>();
        if (signal?.aborted) return;
        const wake = (): void => {
          if (!life.isDead) resolve();
        };
        after(ms, wake);
        signal?.addEventListener('abort', wake, { once: true });
        await promise;
      },
    }),
    async run(until, ms) {
      const end = time + ms;
      await settled();
      while (queue.length > 0 && queue[0]!.at <= end && !until()) {
        const event = queue.shift()!;
        time = event.at;
        event.happen();
        await settled();
      }
    },
    onDeath: () => {},
  };
  return world;
}

/** All that can go on without time passing has gone on. */
async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

/** What a disk holds when its machine is off. */
export type Disk = Map<string, Uint8Array>;

/** A disk as a process sees it: each file is written as a whole or not at all, the files of one call one after the other. */
export function simulatedFiles(world: World, disk: Disk, life: Life, name: string): LogFiles {
  const wait = async (): Promise<void> => world.pause(life, 1 + world.below(4));
  const write = async (files: readonly LogFile[]): Promise<void> => {
    for (const { path, bytes } of files) {
      await wait();
      if (world.trouble(0.003))
        throw new PyrsiaError('FILE_UNWRITABLE', { path, reason: 'no space left on device' });
      disk.set(path, Uint8Array.from(bytes));
    }
    await wait();
  };
  return {
    name,
    async read(path) {
      const bytes = disk.get(path);
      // Reading changes nothing, so nothing can go wrong with it but that it is the last thing that was done.
      return bytes && Uint8Array.from(bytes);
    },
    write,
    writeLoosely: write,
    async drop(paths) {
      await wait();
      for (const path of paths)
        for (const each of disk.keys()) if (each.startsWith(`${path}/`)) disk.delete(each);
    },
  };
}
