import { describe, expect, it } from 'vitest';
import type { LogCore, Position } from '../../src/authority/log-core.ts';

/** Makes and opens logs. */
export interface OpenLogs {
  /** An empty log. */
  create(judge: (batch: readonly Uint8Array[], after: Position) => string | null): Promise<LogCore>;
  /** The one that was created last, as it is after a crash. */
  reopen(): Promise<LogCore>;
}

const nothingWrong = (): null => null;
const batch = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

/** What every {@link LogCore} must do. Each implementation runs this same suite. */
export function logCoreConformance(logs: OpenLogs): void {
  describe('as a LogCore', () => {
    it('begins with nothing, and has what was committed after a crash', async () => {
      const log = await logs.create(nothingWrong);
      expect(log.last()).toMatchObject({ seq: 0n, size: 0n });
      await log.commit({ seq: 1n, entries: batch('a', 'b') });
      expect(log.last()).toMatchObject({ seq: 1n, size: 2n });
      expect((await logs.reopen()).last()).toEqual(log.last());
    });

    it('takes the last batch twice, with the same entries alone, and none out of order', async () => {
      const log = await logs.create(nothingWrong);
      await log.commit({ seq: 1n, entries: batch('a') });
      await log.commit({ seq: 1n, entries: batch('a') });
      expect(log.last().size).toBe(1n);
      for (const wrong of [
        { seq: 1n, entries: batch('b') },
        { seq: 0n, entries: batch('a') },
        { seq: 3n, entries: batch('c') },
      ])
        await expect(log.commit(wrong)).rejects.toThrow('does not follow 1');
    });

    it('commits nothing that it refuses', async () => {
      const log = await logs.create((entries) => (entries.length > 1 ? 'too many' : null));
      expect(log.verify(batch('a'))).toBeNull();
      expect(log.verify(batch('a', 'b'))).toBe('too many');
      await expect(log.commit({ seq: 1n, entries: batch('a', 'b') })).rejects.toThrow('too many');
      expect(log.last().seq).toBe(0n);
    });

    it('commits in turn what is handed in at once', async () => {
      const log = await logs.create(nothingWrong);
      await Promise.all([1n, 2n, 3n].map(async (seq) => log.commit({ seq, entries: batch(`${seq}`) })));
      expect(log.last()).toMatchObject({ seq: 3n, size: 3n });
    });
  });
}
