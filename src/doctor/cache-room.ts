/**
 * Whether the cache has room: on the disk, and within its limit.
 *
 * @module
 */
import { statfsSync } from 'node:fs';
import { readCatalogue } from '../cache/catalogue.ts';
import { layoutOf } from '../cache/layout.ts';
import { defaultLimit, diskBytes } from '../cache/room.ts';
import { formatBytes } from '../content/format.ts';
import type { Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Patient } from './patient.ts';

/** Less than this left on the disk is little: 1 GB. */
const LITTLE = 1_000_000_000;

/** How much more than its limit the cache may take before that is worth a word: what is remembered of versions is not counted before it is there. */
const TOLERANCE = 1.05;

/** What a decision about room needs to know, in bytes. */
export interface Room {
  readonly limit: number;
  readonly taken: number;
  /** Of that, what could be dropped. */
  readonly droppable: number;
  /** Left on the disk for us. */
  readonly free: number;
}

/** Looks at the disk and the catalogue. */
export function lookAtRoom({ paths, config, agent }: Patient): Finding[] {
  const configured = config.values['cache.limit'];
  const limit = configured === 'auto' ? defaultLimit(paths.cache) : configured;
  const { bavail, bsize } = statfsSync(nearest(paths.cache));
  const room = { limit, free: bavail * bsize, ...takenBy(paths.cache) };
  return [...fullDisk(room, paths.cache), ...overLimit(room, agent)];
}

function takenBy(cache: string): Pick<Room, 'taken' | 'droppable'> {
  const layout = layoutOf(cache);
  let catalogue: ReturnType<typeof readCatalogue>;
  try {
    catalogue = readCatalogue(layout.catalogue);
    if (!catalogue) return { taken: 0, droppable: 0 };
    const [droppable] = catalogue.rows("SELECT sum(blocks) FROM total WHERE kind IN ('content', 'document')");
    return { taken: diskBytes({ catalogue, layout }), droppable: Number(droppable?.[0]) };
  } catch {
    return { taken: 0, droppable: 0 }; // Damage is another check's.
  } finally {
    catalogue?.close();
  }
}

/** A disk that is full before the cache has reached its limit. */
function fullDisk({ limit, taken, free }: Room, path: string): Finding[] {
  if (free >= LITTLE || limit - taken <= free) return [];
  const fitting = Math.max(1, Math.floor((taken + free * 0.8) / 1_000_000));
  return [
    {
      id: 'cache-disk-full',
      level: 'wrong',
      title: `${formatBytes(free)} are left on the disk of ${path}, and the cache may grow by ${formatBytes(limit - taken)} to its limit of ${formatBytes(limit)}`,
      cost: 'When the disk is full nothing new is kept, and other programs have no room either',
      remedy: `pyrsia config set cache.limit ${fitting}MB`,
    },
  ];
}

/** A limit that was lowered, or that is too low for what is never dropped. */
function overLimit({ limit, taken, droppable }: Room, agent: Patient['agent']): Finding[] {
  if (taken <= limit * TOLERANCE) return [];
  const finding = {
    id: 'cache-over-limit',
    level: 'wrong',
    title: `The cache takes ${formatBytes(taken)}, and its limit is ${formatBytes(limit)}`,
  } as const;
  if (taken - droppable > limit * 0.9) {
    const enough = Math.ceil(((taken - droppable) * 2) / 1_000_000);
    return [
      {
        ...finding,
        cost: `Nothing new is kept: ${formatBytes(taken - droppable)} of it are remembered of versions, and never dropped`,
        remedy: `pyrsia config set cache.limit ${enough}MB`,
      },
    ];
  }
  return [
    {
      ...finding,
      cost: 'The next command that fetches something new waits until there is room for it',
      remedy: 'pyrsia cache gc',
      fix: {
        what: 'Drop what was used least recently, until the cache is within its limit',
        async run() {
          const { bytes } = await (await agent()).call('cache.gc', { dryRun: false });
          return `Freed ${formatBytes(bytes)}`;
        },
      },
    },
  ];
}
