import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/authority/clock.ts';
import type { LogCore } from '../../src/authority/log-core.ts';
import type { Sequencer } from '../../src/authority/sequencer.ts';

/** A log that a test looks into. */
export interface OpenCore {
  readonly core: LogCore;
  entries(): string[];
  /** Has the log refuse entries of this text from now on, or nothing. */
  refuse(text: string | undefined): void;
  /** Has the next commits fail, or none. */
  fail(reason: string | undefined): void;
}

const entry = (text: string): Buffer => Buffer.from(text);

/** What every {@link Sequencer} must do. Each implementation runs this same suite. */
export function sequencerConformance(open: (clock: Clock) => Sequencer, openCore: () => OpenCore): void {
  const clock: Clock = {
    now: Date.now,
    sleep: async (_ms, signal) => {
      // No time passes here: whoever waits goes on as soon as nothing else can.
      if (!signal?.aborted) await new Promise(setImmediate);
    },
  };
  const started = async () => {
    const log = openCore();
    const sequencer = open(clock);
    await sequencer.start(log.core);
    return { ...log, sequencer };
  };

  describe('as a Sequencer', () => {
    it('has entries committed, each once, in batches that follow one another', async () => {
      const { sequencer, core, entries } = await started();
      await Promise.all(['a', 'b', 'c', 'a'].map(async (text) => sequencer.submit(entry(text))));
      await expect.poll(() => entries().toSorted()).toEqual(['a', 'b', 'c']);
      await sequencer.submit(entry('d'));
      await expect.poll(() => entries().at(-1)).toBe('d');
      expect(sequencer.status()).toMatchObject({ seq: core.last().seq, waiting: 0 });
      await sequencer.stop();
    });

    it('goes on after what is committed', async () => {
      const { sequencer, core, entries } = await started();
      await sequencer.submit(entry('a'));
      await expect.poll(entries).toEqual(['a']);
      await sequencer.stop();
      const next = open(clock);
      await next.start(core);
      await next.submit(entry('b'));
      await expect.poll(entries).toEqual(['a', 'b']);
      expect(core.last().seq).toBe(2n);
      await next.stop();
    });

    it('drops what the log refuses, and nothing beside it', async () => {
      const { sequencer, refuse, entries } = await started();
      refuse('bad');
      await Promise.all(['a', 'bad', 'b'].map(async (text) => sequencer.submit(entry(text))));
      await expect.poll(() => entries().toSorted()).toEqual(['a', 'b']);
      expect(sequencer.status().waiting).toBe(0);
      await sequencer.stop();
    });

    it('says why there is no progress, and goes on when there can be', async () => {
      const { sequencer, fail, entries } = await started();
      fail('no space left on device');
      await sequencer.submit(entry('a'));
      await expect.poll(() => sequencer.status().halted).toContain('no space left on device');
      fail(undefined);
      await expect.poll(entries).toEqual(['a']);
      await expect.poll(() => sequencer.status().halted).toBeUndefined();
      await sequencer.stop();
    });

    it('takes nothing once it was stopped', async () => {
      const { sequencer } = await started();
      await sequencer.stop();
      await expect(sequencer.submit(entry('a'))).rejects.toThrow('not running');
    });
  });
}
