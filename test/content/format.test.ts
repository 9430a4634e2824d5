import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../src/content/format.ts';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [21_300_000, '21.3 MB'],
    [999_960, '1 MB'],
    [20e9, '20 GB'],
    [5e15, '5000 TB'],
  ])('prints %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    ['20GB', 20e9],
    ['500 MB', 500e6],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['64k', 64_000],
    ['12345', 12_345],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', 'GB', '-1', '1e9', '20 XB', '0x10', '1 000'])('does not read %j as a size', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  test.prop([fc.integer({ min: 0, max: 1e15 })])(
    'reads back what it prints to within its rounding',
    (bytes) => {
      expect(Math.abs(parseBytes(formatBytes(bytes))! - bytes)).toBeLessThanOrEqual(bytes * 0.05);
    },
  );
});

describe('durations', () => {
  it.each([
    [340, '340 ms'],
    [4321, '4.3 s'],
    [59_960, '1 min'],
    [125_000, '2 min 5 s'],
    [600_000, '10 min'],
    [3 * 3_600_000, '3 h'],
    [52 * 3_600_000, '2 d 4 h'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1.5 h', 5_400_000],
    ['2d', 172_800_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '10', 'soon', '-5s', '5 weeks'])('does not read %j as a duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
