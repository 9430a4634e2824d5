import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BATCH_ENTRIES, single } from '../../src/authority/single.ts';
import type { LogCore, Position } from '../../src/authority/log-core.ts';
import { createDiskLog, createLog, type Judge, openDiskLog, openLog } from '../../src/authority/open-log.ts';
import { EMPTY_ROOT } from '../../src/content/merkle.ts';
import { logCoreConformance } from '../conformance/log-core.ts';
import { type OpenCore, sequencerConformance } from '../conformance/sequencer.ts';
import { type Disk, openWorld, simulatedFiles } from '../simulation/world.ts';

const textOf = (entry: Uint8Array): string => Buffer.from(entry).toString();

/** A log that is a list. */
function listed(): OpenCore {
  let position: Position = { seq: 0n, size: 0n, root: EMPTY_ROOT };
  const entries: string[] = [];
  let refused: string | undefined;
  let failure: string | undefined;
  const core: LogCore = {
    last: () => position,
    verify: (batch) => (batch.some((entry) => textOf(entry) === refused) ? 'it is refused' : null),
    async commit({ seq, entries: batch }) {
      if (failure !== undefined) throw new Error(failure);
      expect(seq).toBe(position.seq + 1n);
      entries.push(...batch.map(textOf));
      position = { seq, size: BigInt(entries.length), root: EMPTY_ROOT };
    },
  };
  return {
    core,
    entries: () => entries,
    refuse: (text) => void (refused = text),
    fail: (reason) => void (failure = reason),
  };
}

describe('The log on a disk', () => {
  let at: string;
  logCoreConformance({
    async create(judge) {
      at = mkdtempSync(join(tmpdir(), 'log-'));
      onTestFinished(() => rmSync(at, { recursive: true }));
      await createDiskLog(at);
      return openDiskLog(at, judge);
    },
    reopen: async () => openDiskLog(at, () => null),
  });
});

describe('The log of a simulation', () => {
  let disk: Disk;
  const opened = async (make: boolean, judge: Judge) => {
    const world = openWorld(1);
    world.calmDown();
    const files = simulatedFiles(world, disk, { isDead: false }, 'a disk');
    const passing = (async (): Promise<void> => {
      for (let rounds = 0; rounds < 400; rounds++) await world.run(() => false, 1000);
    })();
    if (make) await createLog(files);
    void passing;
    return openLog(files, judge);
  };
  logCoreConformance({
    async create(judge) {
      disk = new Map();
      return opened(true, judge);
    },
    reopen: async () => opened(false, () => null),
  });
});

describe('The sequencer of one process', () => {
  sequencerConformance((clock) => single({ clock }), listed);

  it('closes a batch as soon as there are enough entries for it, without waiting', async () => {
    const { core, entries } = listed();
    const forever = {
      now: Date.now,
      sleep: async (_ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve())),
    };
    const sequencer = single({ clock: forever });
    await sequencer.start(core);
    for (let i = 0; i < BATCH_ENTRIES; i++) await sequencer.submit(Buffer.from(`${i}`));
    await expect.poll(() => entries().length).toBe(BATCH_ENTRIES);
    expect(core.last().seq).toBe(1n);
    await sequencer.stop();
  });

  it('has each batch closed, and tells of what it drops', async () => {
    const { core, entries, refuse } = listed();
    const dropped: string[] = [];
    const sequencer = single({
      clock: { now: Date.now, sleep: async () => {} },
      close: (batch, after) => Buffer.from(`block ${after.seq} of ${batch.length}`),
      onDropped: (entry, reason) => dropped.push(`${Buffer.from(entry).toString()}: ${reason}`),
    });
    await sequencer.start(core);
    refuse('bad');
    await Promise.all(['a', 'bad'].map(async (text) => sequencer.submit(Buffer.from(text))));
    await expect.poll(entries).toEqual(['a', 'block 0 of 1']);
    expect(dropped).toEqual(['bad: it is refused']);
    await sequencer.stop();
  });
});
