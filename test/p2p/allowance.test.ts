import { describe, expect, it } from 'vitest';
import {
  ALL_LANES_LIMIT,
  ALL_QUESTIONS_PER_SECOND,
  IN_FLIGHT_LIMIT,
  LANES_LIMIT,
  NAMES_ALLOWED,
  openAllowance,
  QUESTIONS_PER_SECOND,
} from '../../src/p2p/serve/allowance.ts';
import { LEAST_RATE, type Pace, PATIENCE, startPace } from '../../src/p2p/wire/pace.ts';
import { testClock } from '../support/test-clock.ts';

const MiB = 2 ** 20;
const never = new AbortController().signal;

describe('an allowance', () => {
  it('has so many lanes for each peer, and for all', () => {
    const { stream } = openAllowance(testClock());
    const over = new AbortController();
    for (let i = 0; i < LANES_LIMIT - 1; i++) expect(stream('a', 'lane', never)).toBeDefined();
    expect(stream('a', 'lane', over.signal)).toBeDefined();
    expect(stream('a', 'lane', never)).toBeUndefined();
    expect(stream('a', 'asking', never)).toBeDefined();
    over.abort();
    expect(stream('a', 'lane', never)).toBeDefined();
    for (let i = LANES_LIMIT; i < ALL_LANES_LIMIT; i++)
      expect(stream(`${Math.floor(i / LANES_LIMIT)}`, 'lane', never)).toBeDefined();
    expect(stream('another', 'lane', never)).toBeUndefined();
    expect(stream('another', 'asking', never)).toBeDefined();
  });

  it('has names looked up until there were many, whoever connects again, and few after that', async () => {
    const clock = testClock();
    const { stream } = openAllowance(clock);
    const over = new AbortController();
    let share = stream('a', 'naming', over.signal)!;
    let asked = 0;
    while (asked < 2 * NAMES_ALLOWED && share.names(64)) asked += 64;
    expect(asked).toBeGreaterThanOrEqual(NAMES_ALLOWED);
    expect(asked).toBeLessThan(NAMES_ALLOWED + 64);
    over.abort();
    share = stream('a', 'naming', never)!;
    expect(share.names(1)).toBe(false);
    expect(stream('b', 'naming', never)!.names(64)).toBe(true);
  });

  it('has what is on its way to one peer wait for what was before, on all of its lanes', async () => {
    const { stream } = openAllowance(testClock());
    const [one, same, other] = [
      stream('a', 'lane', never)!,
      stream('a', 'lane', never)!,
      stream('b', 'lane', never)!,
    ];
    const ends = await Promise.all(Array.from({ length: 4 }, () => one.hold(4 * MiB, never)));
    let held = 0;
    const over = new AbortController();
    const given = same.hold(MiB, over.signal).catch((error: unknown) => error);
    const next = same.hold(4 * MiB, never).then(() => held++);
    await other.hold(IN_FLIGHT_LIMIT, never);
    over.abort('enough');
    expect(await given).toBe('enough');
    expect(held).toBe(0);
    ends[0]!();
    await next;
    expect(held).toBe(1);
  });

  it('remembers how much a peer has asked, though it comes again, and how much all have', async () => {
    const clock = testClock();
    const { stream } = openAllowance(clock);
    let answered = 0;
    const ask = (peer: string): void => {
      const over = new AbortController();
      const share = stream(peer, 'asking', over.signal)!;
      void share.question(never).then(() => answered++);
      over.abort();
    };
    for (let i = 0; i < QUESTIONS_PER_SECOND + 5; i++) ask('a');
    await clock.pass(1);
    expect(answered).toBe(QUESTIONS_PER_SECOND);
    await clock.pass(300);
    answered = 0;
    for (let i = 0; i < 2 * ALL_QUESTIONS_PER_SECOND; i++) ask(`peer ${i}`);
    await clock.pass(1);
    expect(answered).toBeLessThanOrEqual(ALL_QUESTIONS_PER_SECOND);
    await clock.pass(1000);
    expect(answered).toBeLessThanOrEqual(2 * ALL_QUESTIONS_PER_SECOND);
  });

  it('begins what is done soon enough for those who wait, and else nothing', () => {
    const slow = openAllowance(testClock(), 100_000);
    const end = slow.begin(MiB);
    expect(end).toBeDefined();
    expect(slow.begin(MiB)).toBeDefined();
    expect(slow.begin(MiB)).toBeUndefined();
    end!();
    expect(slow.begin(MiB)).toBeDefined();
    expect(openAllowance(testClock(), 10_000).begin(MiB)).toBeUndefined();
    expect(openAllowance(testClock(), 10_000).begin(20_000)).toBeDefined();
    const free = openAllowance(testClock());
    expect(Array.from({ length: 1000 }, () => free.begin(4 * MiB))).not.toContain(undefined);
  });
});

describe('the pace of a peer', () => {
  it('is over when it was waited for ten seconds in vain, whenever that was', () => {
    const pace = startPace();
    pace.wait(1000);
    expect(isOver(pace, 1000, 1000 + PATIENCE - 1)).toBe(false);
    pace.rest(1000 + PATIENCE - 1);
    expect(isOver(pace, 900_000, 1_000_000)).toBe(false);
    pace.wait(1_000_000);
    pace.wait(1_000_001);
    expect(pace.over(1_000_001)).toBe(true);
  });

  it('is not over because this process stood still', () => {
    const pace = startPace();
    pace.wait(0);
    expect(pace.over(1_000_000)).toBe(false);
    expect(isOver(pace, 1_000_000, 1_000_000 + PATIENCE)).toBe(true);
  });

  it('goes on as long as enough goes through, and not longer', () => {
    const [enough, little] = [startPace(), startPace()];
    enough.wait(0);
    little.wait(0);
    for (let second = 1; second < 600; second++) {
      enough.moved(LEAST_RATE, second * 1000);
      little.moved(LEAST_RATE / 2, second * 1000);
      expect(enough.over(second * 1000)).toBe(false);
      expect(little.over(second * 1000)).toBe(second >= 20);
    }
  });

  it('is not forgiven later for what came quickly before', () => {
    const pace = startPace();
    pace.wait(0);
    pace.moved(2 ** 30, 1000);
    expect(isOver(pace, 1000, 1000 + PATIENCE)).toBe(true);
  });
});

/** Looks each second, from one moment to another. */
function isOver(pace: Pace, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1000) pace.over(at);
  return pace.over(to);
}
