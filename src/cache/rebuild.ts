/**
 * The catalogue made anew from what it is derived from: the record, the files of content, the documents.
 *
 * @module
 */
import { type Digest, digestWith, isSha256, type Sha256 } from '../content/digest.ts';
import { addBinding } from './bindings.ts';
import { addContent, allContent, storedFrom } from './contents.ts';
import { addDocument, readDocument } from './documents.ts';
import { contentFiles, documentFiles } from './files.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Shelf } from './shelf.ts';

/**
 * Fills the catalogue of `shelf`, whatever it holds now. Last uses are kept, and so are bindings that only
 * the catalogue knows: to forget a first use is never safe. Content that the record does not tell of is
 * left out.
 */
export async function rebuild({ catalogue, layout, writing }: Shelf, ledger: Ledger): Promise<void> {
  await writing?.later.flush();
  const before = allContent(catalogue);
  const used = catalogue
    .all('SELECT sha256 AS key, used_at FROM content UNION ALL SELECT key, used_at FROM document')
    .map((row) => [row['key'], Number(row['used_at'])] as const);
  const usedAt = new Map(used);

  const entries = await Array.fromAsync(ledger.entries());
  const digests = digestsIn(entries);
  const files = await Array.fromAsync(contentFiles(layout));
  const documents = await Array.fromAsync(documentFiles(layout));

  // In one go. What was stored while the files were read is in the catalogue already, and stays.
  catalogue.transaction(() => {
    for (const { sha256 } of before) catalogue.run('DELETE FROM content WHERE sha256 = ?', sha256);
    catalogue.run('DELETE FROM entry');
    for (const { sha256, size, modifiedAt } of files) {
      const known = digests.get(sha256);
      if (!known) continue;
      addContent(catalogue, storedFrom({ digests: [...known], size }), modifiedAt);
    }
    for (const entry of entries) {
      if (entry.kind === 'binding')
        addBinding(catalogue, entry.binding, { measured: entry.measured, replace: true });
      else catalogue.run('INSERT OR IGNORE INTO entry VALUES (?)', entry.stored.digests[0]);
    }
    for (const { key, size, modifiedAt } of documents) {
      const document = readDocument(layout, key);
      if (document) addDocument(catalogue, document, size, modifiedAt);
    }
    for (const [key, at] of usedAt) {
      catalogue.run('UPDATE content SET used_at = ? WHERE sha256 = ?', at, key ?? null);
      catalogue.run('UPDATE document SET used_at = ? WHERE key = ?', at, key ?? null);
    }
    catalogue.seal();
  });
}

/** Every digest that is recorded as computed from the content itself. */
function digestsIn(entries: readonly Entry[]): Map<Sha256, Set<Digest>> {
  const known = new Map<Sha256, Set<Digest>>();
  for (const entry of entries) {
    const digests =
      entry.kind === 'content' ? entry.stored.digests : entry.measured ? entry.binding.digests : [];
    const sha256 = digestWith(digests, 'sha256');
    if (!sha256 || !isSha256(sha256)) continue;
    known.set(sha256, new Set([...(known.get(sha256) ?? []), ...digests]));
  }
  return known;
}
