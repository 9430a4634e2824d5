import { describe, expect, it } from 'vitest';
import { inEachWorld, isWhole } from './invariants.ts';

describe('In worlds with two histories', { timeout: 600_000 }, () => {
  it('24, 28: a sequencer that shows both gets one of them cosigned, and who saw both has the proof', async () => {
    let [forks, final] = [0, 0];
    await inEachWorld(true, async (story) => {
      for (const { state } of story.simulation.cosigners)
        for (const path of state.keys()) if (path.startsWith('fork-at-')) forks++;
      final += story.final.size;
    });
    if (isWhole) {
      expect(forks, 'forks were seen').toBeGreaterThan(100);
      expect(final, 'one of both became final').toBeGreaterThan(100);
    }
  });
});
