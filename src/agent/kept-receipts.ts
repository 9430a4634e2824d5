/**
 * Receipts that outlive their launch: what `pyrsia why` explains.
 *
 * @module
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Receipt } from '../resolve/report.ts';

/** How many are kept. */
const KEPT = 20;

/**
 * Keeps a receipt below the state directory, as `receipts/<launch>.json` and as `last.json`, if anything was
 * asked for. The oldest beyond twenty go.
 *
 * @throws the file system's error when it cannot be written
 */
export function keepReceipt(state: string, receipt: Receipt): void {
  const { artifacts, documents } = receipt;
  if (artifacts.length + documents.upstream + documents.unchanged + documents.stale === 0) return;
  const directory = join(state, 'receipts');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const file of [join(directory, `${receipt.launch}.json`), join(state, 'last.json')]) {
    writeFileSync(`${file}.new`, JSON.stringify(receipt), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const ages = readdirSync(directory).map((name) => ({ name, at: statSync(join(directory, name)).mtimeMs }));
  for (const { name } of ages.toSorted((a, b) => b.at - a.at).slice(KEPT)) rmSync(join(directory, name));
}
