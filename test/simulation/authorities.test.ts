import { describe, expect, it } from 'vitest';
import { checkAcknowledged, checkSigned, entriesOf, inEachWorld, isWhole, logOf } from './invariants.ts';
import { PACKAGES } from './story.ts';

describe('In worlds that seeds decide', { timeout: 600_000 }, () => {
  it('25, 30: a sequencer and its cosigners lose nothing that was acknowledged, sign no two histories, and go on', async () => {
    let [worlds, starts] = [0, 0];
    await inEachWorld(false, async (story) => {
      const { simulation, done, final } = story;
      const [sequencer] = simulation.sequencers;
      const whole = await logOf(simulation, sequencer!);
      checkAcknowledged(story, await entriesOf(whole));
      const signed = simulation.signatures.filter(({ by }) => by === sequencer);
      await checkSigned(whole, [...signed, ...final.values()]);
      expect(done.size, 'everything is in the log in the end').toBe(PACKAGES);
      for (const each of [...simulation.sequencers, ...simulation.cosigners]) starts += each.starts - 1;
      worlds++;
    });
    if (isWhole) expect(starts, 'processes did die').toBeGreaterThan(worlds / 2);
  });
});
