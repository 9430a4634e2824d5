/**
 * How entries of a log are shown: a table, CSV (RFC 4180), or as they are in `--json`.
 *
 * @module
 */
import * as Flags from '@oclif/core/flags';
import { PyrsiaError } from '../errors.ts';
import { type EntryRow, FIELDS } from '../trust/entries.ts';
import { table } from './table.ts';
import { harmless } from './talk.ts';

type Field = (typeof FIELDS)[number];

/** What is shown unless something else is asked for. */
const USUAL: readonly Field[] = ['index', 'kind', 'purl', 'sha256', 'time', 'observers'];

/** How to show them. */
export const entryFlags = {
  csv: Flags.boolean({ summary: 'print comma-separated values' }),
  fields: Flags.string({ summary: `which fields: ${FIELDS.join(', ')}`, helpValue: 'A,B' }),
};

/** The fields that are asked for. @throws PyrsiaError `REFERENCE_MALFORMED` */
export function fieldsIn(text: string | undefined): readonly Field[] {
  if (text === undefined) return USUAL;
  return text.split(',').map((name) => {
    const field = FIELDS.find((each) => each === name.trim());
    if (field === undefined)
      throw new PyrsiaError('REFERENCE_MALFORMED', { text: name, reason: `expected ${FIELDS.join(', ')}` });
    return field;
  });
}

/** Rows, as a table or as CSV. */
export function entryText(rows: readonly EntryRow[], fields: readonly Field[], csv: boolean): string {
  if (csv) {
    const lines = [
      fields.join(','),
      ...rows.map((row) => fields.map((field) => quoted(cell(row, field))).join(',')),
    ];
    return harmless(lines.join('\n'));
  }
  const columns = fields.map((field) => ({
    heading: field.toUpperCase(),
    right: field === 'index' || field === 'size',
  }));
  const shown = (row: EntryRow, field: Field): string => {
    const text = cell(row, field);
    return field === 'sha256'
      ? text
          .split(' ')
          .map((each) => each.slice(0, 12))
          .join(' ')
      : text;
  };
  return table(
    columns,
    rows.map((row) => fields.map((field) => shown(row, field))),
  );
}

/** The fields of a row alone. */
export function pickedOf(row: EntryRow, fields: readonly Field[]): Partial<EntryRow> {
  return Object.fromEntries(fields.map((field) => [field, row[field]]));
}

function cell(row: EntryRow, field: Field): string {
  const value = row[field];
  return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}

/** A spreadsheet takes what begins like a formula for one. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
