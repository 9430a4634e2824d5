/**
 * Rows of text under each other.
 *
 * @module
 */
import { harmless } from './talk.ts';

/** A column: its heading, and whether it holds numbers. */
export interface Column {
  readonly heading: string;
  readonly right?: boolean;
}

/** Lays out rows, one cell a column, as wide as they need be; one string, without a line end at its end. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ heading }, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]!.length), heading.length),
  );
  const last = columns.length - 1;
  const lineOf = (row: readonly string[]): string => {
    let line = '';
    for (let i = 0; i <= last; i++) {
      if (columns[i]!.right) line += row[i]!.padStart(widths[i]!);
      else line += i < last ? row[i]!.padEnd(widths[i]!) : row[i]!;
      if (i < last) line += '  ';
    }
    return line;
  };
  const lines = rows.map(lineOf);
  lines.unshift(lineOf(columns.map(({ heading }) => heading)));
  return harmless(lines.join('\n'));
}

/** Lays out names and what they are; those that are undefined are left out. */
export function facts(rows: readonly (readonly [name: string, value: string | undefined])[]): string {
  const said = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const width = Math.max(0, ...said.map(([name]) => name.length));
  return harmless(said.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n'));
}
