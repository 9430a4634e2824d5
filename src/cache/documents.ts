/**
 * Answers of registries on the disk, each in one file:
 *
 * ```
 * sha256 of everything below, in hex
 * header, as JSON on one line
 * body
 * ```
 *
 * @module
 */
import { type Digest, digestOf, hexOf, parseDigest } from '../content/digest.ts';
import type { DocumentKey, Documents, StoredDocument } from './cache.ts';
import type { Catalogue } from './catalogue.ts';
import { cannotWrite, DEPTH, documentPath, type Layout, placeFile, removeFile } from './layout.ts';
import { dropDocument, readIfThere, type Room, type Shelf } from './shelf.ts';

/** The documents of `shelf`, which is writable. */
export function documentsOf(shelf: Shelf, room: Room): Documents {
  const { catalogue, layout } = shelf;
  return {
    ...readDocuments(shelf),

    async put(document) {
      const key = digestOfKey(document);
      const path = documentPath(layout, key);
      const parts = formatDocument(document);
      const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
      try {
        await room.reserve(size, () => {
          placeFile(layout, path, parts, 0o600);
          try {
            addDocument(catalogue, document, size, shelf.now());
          } catch (error) {
            removeFile(path, DEPTH.document);
            throw error;
          }
        });
      } catch (error) {
        throw cannotWrite(layout, error);
      }
    },

    touch(key, checkedAt) {
      try {
        catalogue.run('UPDATE document SET checked_at = ? WHERE key = ?', checkedAt, digestOfKey(key));
      } catch {
        // The disk is full. Upstream is then asked once more than it would have to be.
      }
    },
  };
}

/** The documents of a cache that is only read. */
export function readDocuments(shelf: Shelf): Pick<Documents, 'get' | 'find'> {
  return {
    async get(wanted) {
      const key = digestOfKey(wanted);
      const known = shelf.catalogue.get('SELECT checked_at FROM document WHERE key = ?', key);
      if (!known) return undefined;
      const document = readDocument(shelf.layout, key);
      if (!document) {
        dropDocument(shelf, key);
        return undefined;
      }
      shelf.writing?.later.used('document', key);
      return { ...document, checkedAt: Number(known['checked_at']) };
    },

    *find(path) {
      const rows = shelf.catalogue.rows(
        'SELECT key, checked_at FROM document WHERE path GLOB ? ORDER BY path',
        path.replaceAll('[', '[[]'),
      );
      for (const [key, checkedAt] of rows) {
        const document = readDocument(shelf.layout, parseDigest(String(key)));
        if (document) yield { ...document, checkedAt: Number(checkedAt) };
      }
    },
  };
}

/** The name of a document in the catalogue and on the disk. */
export function digestOfKey({ upstream, path, accept }: DocumentKey): `sha256:${string}` {
  return digestOf(Buffer.from(JSON.stringify([upstream, path, accept])), 'sha256');
}

/** Reads and checks the document of this name; undefined when it is missing or damaged. */
export function readDocument(layout: Layout, key: Digest): StoredDocument | undefined {
  const file = readIfThere(documentPath(layout, key));
  const document = file && parseDocument(file);
  return document && digestOfKey(document) === key ? document : undefined;
}

/** Enters a document whose file of `size` bytes is in its place. */
export function addDocument(catalogue: Catalogue, document: StoredDocument, size: number, at: number): void {
  const key = digestOfKey(document);
  const { upstream, path, checkedAt } = document;
  catalogue.transaction(() => {
    catalogue.run('DELETE FROM document WHERE key = ?', key);
    catalogue.run('INSERT INTO document VALUES (?, ?, ?, ?, ?, ?)', key, upstream, path, size, checkedAt, at);
  });
}

function formatDocument({ body, ...header }: StoredDocument): Uint8Array[] {
  const head = Buffer.from(`${JSON.stringify(header)}\n`);
  return [Buffer.from(`${hexOf(digestOf(Buffer.concat([head, body]), 'sha256'))}\n`), head, body];
}

function parseDocument(file: Uint8Array): StoredDocument | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const checked = bytes.subarray(65);
  // What has this digest is what formatDocument wrote, so its shape is known.
  if (bytes.toString('latin1', 0, 65) !== `${hexOf(digestOf(checked, 'sha256'))}\n`) return undefined;
  const end = checked.indexOf(0x0a);
  const header: Omit<StoredDocument, 'body'> = JSON.parse(checked.toString('utf8', 0, end));
  return { ...header, body: checked.subarray(end + 1) };
}
