/**
 * The receipts of the latest launches, as the agent leaves them in the state directory: `last.json`, and one
 * file for each launch in `receipts/`.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import type { Receipt } from './report.ts';

/** The receipt of the last launch; undefined when there is none. */
export function lastReceipt(paths: Pick<Paths, 'state'>): Receipt | undefined {
  return readReceipt(join(paths.state, 'last.json'));
}

/** Every receipt that is kept, the latest first. */
export function keptReceipts(paths: Pick<Paths, 'state'>): Receipt[] {
  const directory = join(paths.state, 'receipts');
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readReceipt(join(directory, name)) ?? [])
    .toSorted((a, b) => b.startedAt - a.startedAt);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // Nothing was ever fetched, or nothing could be kept.
  }
}

/** A receipt that is missing or torn (the disk was full) tells nothing. */
function readReceipt(path: string): Receipt | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isReceipt(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isReceipt(value: unknown): value is Receipt {
  const keys = ['launch', 'command', 'startedAt', 'artifacts', 'totals', 'documents'];
  return typeof value === 'object' && value !== null && keys.every((key) => key in value);
}
