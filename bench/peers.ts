/**
 * What peers cost and bring: rows of files in `peers/`, each measured in turns with those of the same file.
 *
 *     npm run build && node bench/peers.ts [start|transports|several …] [--rounds 9]
 *
 * For each row: the median, the least and the most of all rounds, and how it stands to the first row, round by round.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { columns } from './columns.ts';
import { oneOf } from './one-of.ts';
import { open as openSeveral } from './peers/several.ts';
import { open as openStart } from './peers/start.ts';
import { open as openTransports } from './peers/transports.ts';

const files = { start: openStart, transports: openTransports, several: openSeveral };
const NAMES = ['start', 'transports', 'several'] as const;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' } },
});
for (const name of oneOf('', NAMES, positionals.length > 0 ? positionals : undefined)) {
  await using opened = await files[name]();
  const { rows } = opened;
  const measured: number[][] = [];
  // The first round warms up.
  for (let round = 0; round <= Number(values.rounds); round++) {
    const each: number[] = [];
    for (const row of rows) each.push(await row.measure());
    if (round > 0) measured.push(each);
  }
  const table = rows.map(({ name: what, unit }, i) => {
    const own = measured.map((each) => each[i]!);
    const ratios = measured.map((each) => each[i]! / each[0]!);
    return [what, `${spread(own, 0)} ${unit}`, `${spread(ratios, 2)} ×`];
  });
  console.log(`${name}, ${measured.length} rounds\n${columns(table).join('\n')}\n`);
}

/** The median, and from where to where. */
function spread(all: readonly number[], digits: number): string {
  const [least, middle, most] = [0, all.length >> 1, all.length - 1].map((at) =>
    all.toSorted((a, b) => a - b)[at]!.toFixed(digits),
  );
  return `${middle} (${least} to ${most})`;
}
