/**
 * A run as text.
 *
 * @module
 */
import { columns } from '../columns.ts';
import { judge, ratio, spread } from './judge.ts';
import { type Run, type Sample, type Way, WAYS } from './results.ts';
import { oddities } from './sound.ts';
import type { Spread } from './statistics.ts';

/** A run as a table, and what has a bar below it. */
export function tableOf(run: Run): string {
  const { project, packages, npm, node, rounds, upstream, machine, lines } = run;
  const ways = Object.keys(run.ways) as Way[];
  const rows = ways.map((way) => {
    const cell = (read: (sample: Sample) => number | undefined, digits: number): string =>
      shown(spread(run, way, read), digits);
    return [
      way,
      cell(({ seconds }) => seconds, 2),
      shown(ratio(run, way), 2),
      cell(({ cpu }) => cpu, 1),
      cell(({ requests }) => requests, 0),
      cell((sample) => sample.upstream, 0),
      cell(({ server }) => server?.cpu, 1),
      cell(({ server }) => server && server.peakRss / 1e6, 0),
      cell(({ fill }) => fill?.ms, 0),
      cell(({ fill }) => fill?.doneMs, 0),
    ];
  });
  const head = [
    'way',
    'seconds',
    '× direct',
    'npm’s CPU s',
    'requests',
    'upstream',
    'server CPU s',
    'peak MB',
    'fill ms',
    'filled after ms',
  ];
  const bars = judge(run).map(({ way, what, spread: measured, most, over }) => {
    const digits = what.startsWith('×') ? 2 : 0;
    return `${over ? 'OVER' : 'ok  '}  ${way}: ${shown(measured, digits)} ${what}, bar ${most}`;
  });
  const tried = Object.entries(lines).map(
    ([name, { mbits, roundTripMs }]) =>
      `Line ${name}: ${mbits.toFixed(1)} Mbit/s, round trip ${roundTripMs.toFixed(0)} ms`,
  );
  const left = Object.entries(run.left).map(([way, why]) => `Not measured: ${way} (${why})`);
  return [
    `${project}: npm ci of ${packages} packages, npm ${npm}, Node ${node}, ${rounds} rounds, upstream: ${upstream}; ${machine}`,
    'Medians (quartiles); × direct is the median of the ratios of each round',
    '',
    ...columns([head, ...rows]),
    '',
    ...bars,
    ...tried,
    ...oddities(run).map((odd) => `ODD   ${odd}`),
    ...left,
    ...ways.map((way) => `${way}: ${WAYS[way]}`),
  ].join('\n');
}

/** A median with its quartiles; without them where they say no more. */
function shown(found: Spread | undefined, digits: number): string {
  if (!found) return '–';
  const [low, median, high] = [found.low, found.median, found.high].map((value) => value.toFixed(digits));
  return low === high ? median! : `${median} (${low}–${high})`;
}
