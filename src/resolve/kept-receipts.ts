/**
 * Receipts that outlive their launch, in the state directory: `last.json`, and one file for each launch in
 * `receipts/`. The agent writes them, `pyrsia why` explains them.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import type { Receipt } from './report.ts';

/** How many are kept. */
const KEPT = 20;

/**
 * Keeps a receipt below the state directory, as `receipts/<launch>.json` and as `last.json`, if it has anything to
 * explain: what only looked something up, such as `npm view`, leaves alone the one that a user was pointed to.
 * The oldest beyond twenty go.
 *
 * @throws the file system's error when it cannot be written
 */
export function keepReceipt(state: string, receipt: Receipt): void {
  const { artifacts, documents, notes, pastUs = [], fill } = receipt;
  const isEmpty = artifacts.length + documents.stale + notes.length + pastUs.length === 0;
  if (isEmpty && fill?.problem === undefined) return;
  const directory = join(state, 'receipts');
  makeOurs(state);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const file of [join(directory, `${receipt.launch}.json`), join(state, 'last.json')]) {
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify(receipt), { mode: 0o600 });
    renameSync(fresh, file);
  }
  const ages = readdirSync(directory).map((name) => ({ name, at: statSync(join(directory, name)).mtimeMs }));
  for (const { name } of ages.toSorted((a, b) => b.at - a.at).slice(KEPT)) rmSync(join(directory, name));
}

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
