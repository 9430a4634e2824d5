import { afterEach, describe, expect, it, vi } from 'vitest';
import { shareAt, watchShare } from '../../src/agent/sharing-hours.ts';
import { parseHours } from '../../src/config/hours.ts';

const settings = { share: 'lan', 'share.hours': parseHours('22:00-07:00')! } as const;
const now = () => shareAt(settings, new Date());

describe('sharing within hours', () => {
  afterEach(() => void vi.useRealTimers());

  it('is with nobody outside them, whatever is chosen', () => {
    expect(shareAt(settings, new Date('2026-03-01T12:00:00'))).toBe('off');
    expect(shareAt({ ...settings, share: 'public' }, new Date('2026-03-01T12:00:00'))).toBe('off');
    expect(shareAt(settings, new Date('2026-03-01T23:00:00'))).toBe('lan');
    expect(shareAt({ ...settings, share: 'off' }, new Date('2026-03-01T23:00:00'))).toBe('off');
  });

  it('begins and ends by itself, also where the clock is set', () => {
    vi.useFakeTimers({
      toFake: ['setInterval', 'clearInterval', 'Date'],
      now: new Date('2026-03-01T21:59:45'),
    });
    const told: string[] = [];
    const unwatch = watchShare(now, () => told.push(now()));
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(['lan']);
    vi.setSystemTime(new Date('2026-03-01T12:00:00'));
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(['lan', 'off']);
    unwatch();
    vi.setSystemTime(new Date('2026-03-01T23:00:00'));
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual(['lan', 'off']);
  });
});
