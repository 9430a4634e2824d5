/**
 * Bindings and documents that vanish with the process: what a cache falls back to that cannot be written.
 * First uses are then still noticed for as long as the process lives.
 *
 * @module
 */
import type { Binding, Bindings, Documents, StoredDocument } from './cache.ts';
import { addBinding, readBindings } from './bindings.ts';
import { memoryCatalogue } from './catalogue.ts';
import { digestOfKey } from './documents.ts';
import type { Digest } from '../content/digest.ts';

/** The most that documents may take in memory, in bytes: 64 MiB. What came first goes first. */
const DOCUMENTS_LIMIT = 64 * 2 ** 20;

/** Bindings in memory, above those of a cache that is only read. */
export function memoryBindings(below: Pick<Bindings, 'get' | 'find'>): Bindings {
  const catalogue = memoryCatalogue();
  const here = readBindings(catalogue);
  return {
    get: (key) => here.get(key) ?? below.get(key),
    find: (what) => {
      const found = here.find(what);
      return [...below.find(what).filter((each) => !here.get(each)), ...found];
    },
    async put(binding: Binding, { changes = false } = {}) {
      const replace = changes || binding.reason !== undefined;
      if (replace || !below.get(binding)) addBinding(catalogue, binding, { measured: false, replace });
    },
  };
}

/** Documents in memory, above those of a cache that is only read. */
export function memoryDocuments(below: Pick<Documents, 'get' | 'find'>): Documents {
  const documents = new Map<Digest, StoredDocument>();
  const checked = new Map<Digest, number>();
  let size = 0;

  const forget = (key: Digest): void => {
    size -= documents.get(key)?.body.byteLength ?? 0;
    documents.delete(key);
    checked.delete(key);
  };

  return {
    async get(wanted) {
      const key = digestOfKey(wanted);
      const document = documents.get(key) ?? (await below.get(wanted));
      const checkedAt = checked.get(key);
      return document && checkedAt !== undefined ? { ...document, checkedAt } : document;
    },
    async put(document) {
      const key = digestOfKey(document);
      forget(key);
      documents.set(key, document);
      size += document.body.byteLength;
      for (const first of documents.keys()) {
        if (size <= DOCUMENTS_LIMIT) break;
        forget(first);
      }
    },
    find: (path) => below.find(path),
    touch: (key, checkedAt) => void checked.set(digestOfKey(key), checkedAt),
  };
}
