import { describe, expect, it } from 'vitest';
import { isWithin, parseHours } from '../../src/config/hours.ts';

const at = (time: string): Date => new Date(`2026-03-01T${time}:00`);
const within = (hours: string, time: string): boolean => isWithin(parseHours(hours)!, at(time));

describe('hours of the day', () => {
  it('begin with their first minute, and end before their last', () => {
    expect(['07:59', '08:00', '16:59', '17:00'].map((time) => within('08:00-17:00', time))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('may go over midnight, and be several', () => {
    const hours = '22:00-07:00, 12:00-13:30';
    expect(
      ['21:59', '22:00', '00:00', '06:59', '07:00', '13:29', '13:30'].map((time) => within(hours, time)),
    ).toEqual([false, true, true, true, false, true, false]);
  });

  it('are all of them where nothing else is said', () => {
    expect(within('always', '03:00')).toBe(true);
  });

  it.each(['', '8-17', '08:00', '24:00-07:00', '08:60-09:00', '08:00-08:00', '08:00-09:00,', 'never'])(
    'are not "%s"',
    (text) => {
      expect(parseHours(text)).toBeUndefined();
    },
  );
});
