/**
 * Sizes and durations as people read and write them. The one place where they are spelled, so that a
 * receipt, a table and a setting look alike. Units are decimal (1 kB = 1000 bytes); `KiB` and its kin are
 * read as well.
 *
 * @module
 */
import type { EcosystemName } from './coordinates.ts';

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  ...Object.fromEntries(
    ['k', 'm', 'g', 't'].flatMap((letter, i) => [
      [letter, 1000 ** (i + 1)],
      [`${letter}b`, 1000 ** (i + 1)],
      [`${letter}ib`, 1024 ** (i + 1)],
    ]),
  ),
};

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: second,
  m: minute,
  min: minute,
  h: hour,
  d: day,
};

/** Prints a number of bytes: `0 B`, `999 B`, `21.3 MB`, `20 GB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // 999.95 would print as 1000.0 of the smaller unit.
  for (; value >= (unit === 0 ? 1000 : 999.95) && unit < SIZE_UNITS.length - 1; unit++) value /= 1000;
  return `${tidy(value)} ${SIZE_UNITS[unit]}`;
}

/** Reads `20GB`, `500 MB`, `1.5 GiB` or a bare number of bytes; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = BYTES[unit.toLowerCase()];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** Prints milliseconds: `340 ms`, `4.3 s`, `10 min`, `2 min 5 s`, `3 h`, `2 d 4 h`; never more than two units. */
export function formatDuration(ms: number): string {
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${tidy(ms / second)} s`;
  if (ms < hour) return twoUnits(ms, minute, 'min', second, 's');
  if (ms < day) return twoUnits(ms, hour, 'h', minute, 'min');
  return twoUnits(ms, day, 'd', hour, 'h');
}

/** Reads `500ms`, `30s`, `10m`, `1.5 h`, `2d` or `0` as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text.trim() === '0') return 0;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const factor = MILLISECONDS[unit.toLowerCase()];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

function tidy(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function twoUnits(ms: number, large: number, name: string, small: number, smallName: string): string {
  const total = Math.round(ms / small);
  const [whole, rest] = [Math.floor((total * small) / large), total % (large / small)];
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smallName}`;
}

/**
 * An upstream's URL without what only tells apart as whom it is asked. A registry of images has the name that stands in
 * front of its images': by TLS or not is not said there either.
 */
export function formatUpstream(upstream: string, ecosystem?: EcosystemName): string {
  const url = upstream.replace(/#[0-9a-f]+$/, '');
  return ecosystem === 'docker' ? url.replace(/^https:\/\/(.*)\/$/, '$1') : url;
}
