import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Ended, openSubmitting, QUEUE_LIMIT } from '../../src/agent/submitting.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';

const purl = (n: number): string => `pkg:npm/p${n}@1.0.0`;
const purls = (count: number): string[] => Array.from({ length: count }, (_, i) => purl(i));

const line = (each: string): ReportLine => ({
  purl: each,
  outcome: 'delivered',
  via: 'response',
  word: 'declared',
  by: 'the registry',
  rung: 'registry digest',
  log: { says: 'unknown' },
  upstream: 'npm',
  private: false,
  ms: 1,
  at: 0,
});

/** A launch that has fetched these, of which the log knows nothing. */
function launch(names: readonly string[], submits = true): Receipt {
  return {
    artifacts: names.map(line),
    ...(submits && { submitted: names.length }),
  } as Partial<Receipt> as Receipt;
}

/** Somebody who submits, and remembers what, when, and what was said. */
function somebody(answer: (name: string, nth: number) => Ended | Error | Promise<Ended> = () => 'final') {
  const asked: string[] = [];
  const slept: number[] = [];
  const said: string[] = [];
  let [time, done, most, under] = [0, 0, 0, 0];
  const submitting = openSubmitting({
    async submit(name) {
      most = Math.max(most, ++under);
      asked.push(name);
      try {
        const answered = await answer(name, asked.length);
        await turn();
        if (answered instanceof Error) throw answered;
        return answered;
      } finally {
        under--;
      }
    },
    onDone: () => done++,
    log: (text) => said.push(text),
    now: () => time,
    async sleep(ms) {
      slept.push(ms);
      time += ms;
    },
  });
  return {
    ...submitting,
    asked,
    slept,
    said,
    done: () => done,
    most: () => most,
    later: (ms: number) => (time += ms),
    async over() {
      while (submitting.pending() > 0) await turn();
      await turn();
    },
  };
}

describe('Submitting by itself', () => {
  it('submits what a launch fetched, four at a time, and says when all is done', async () => {
    const user = somebody();
    user.take(launch(purls(10)));
    expect(user.pending()).toBe(10);
    await user.over();
    expect(user.asked.toSorted()).toEqual(purls(10).toSorted());
    expect([user.most(), user.done()]).toEqual([4, 1]);
  });

  it('submits nothing of a launch whose user does not let it', async () => {
    const user = somebody();
    user.take(launch(purls(10), false));
    await user.over();
    expect(user.asked).toEqual([]);
  });

  it('submits what several launches fetched once, and again after an hour where the log does not know it still', async () => {
    const user = somebody((name) => (name === purl(1) ? new Error('no') : 'left'));
    user.take(launch(purls(2)));
    user.take(launch(purls(2)));
    await user.over();
    user.take(launch(purls(2)));
    await user.over();
    expect(user.asked).toHaveLength(2);
    user.later(60 * 60 * 1000);
    user.take(launch(purls(2)));
    await user.over();
    expect(user.asked).toHaveLength(4);
  });

  it('has no more wait than there is room for', async () => {
    const user = somebody();
    user.take(launch(purls(QUEUE_LIMIT + 100)));
    expect(user.pending()).toBe(QUEUE_LIMIT);
    await user.close();
  });

  it('waits as long as it is told to, and tries the same again', async () => {
    const user = somebody((_, nth) => (nth === 1 ? { waitMs: 5000 } : 'final'));
    user.take(launch(purls(1)));
    await user.over();
    expect([user.asked, user.slept]).toEqual([[purl(0), purl(0)], [5000]]);
  });

  it('gives up what waits where it would have to wait longer than a minute', async () => {
    const user = somebody(() => ({ waitMs: 61_000 }));
    user.take(launch(purls(50)));
    await user.over();
    expect(user.asked.length).toBeLessThanOrEqual(4);
    expect(user.said[0]).toContain('no more for 61 s');
  });

  it('gives up what waits after four failures in a row, and begins anew with the next launch', async () => {
    const user = somebody((_, nth) => (nth <= 8 ? new Error('nobody answers') : 'final'));
    user.take(launch(purls(100)));
    await user.over();
    expect(user.asked.length).toBeLessThanOrEqual(8);
    expect(user.said[0]).toContain('nobody answers');
    user.take(launch(['pkg:npm/next@1.0.0']));
    await user.over();
    expect(user.asked).toContain('pkg:npm/next@1.0.0');
  });

  it('ends at once with the agent', async () => {
    const answer = Promise.withResolvers<Ended>();
    const user = somebody(async () => answer.promise);
    user.take(launch(purls(10)));
    await turn();
    const closed = user.close();
    answer.resolve('final');
    await closed;
    expect(user.asked).toHaveLength(4);
    user.take(launch(['pkg:npm/next@1.0.0']));
    expect(user.pending()).toBe(0);
  });
});
