import type { Digest } from '../content/digest.ts';
import type { Store } from '../content/source.ts';
import { measure } from '../content/verified.ts';
import { abortable } from './abortable.ts';
import { memoryCatalogue } from './catalogue.ts';
import { addContent, allContent, contentFor, contentWith, removeContent, storedFrom } from './contents.ts';

/** A {@link Store} that forgets everything at exit. */
export function memoryStore(): Store {
  const catalogue = memoryCatalogue();
  const contents = new Map<Digest, Uint8Array>();

  return {
    name: 'cache',

    async open(wanted, { offset = 0, length, signal } = {}) {
      signal?.throwIfAborted();
      const held = contentFor(catalogue, wanted);
      const bytes = held && contents.get(held.sha256);
      if (!bytes) return undefined;
      const part = bytes.subarray(offset, length === undefined ? undefined : offset + length);
      return { size: held.size, proven: held.digests, chunks: [part] };
    },

    async put(wanted, content, { signal } = {}) {
      const meter = measure(wanted, ['sha256']);
      const parts: Uint8Array[] = [];
      for await (const chunk of abortable(content, signal)) {
        meter.update(chunk);
        parts.push(chunk);
      }
      const stored = storedFrom(meter.end());
      contents.set(stored.digests[0], Buffer.concat(parts));
      addContent(catalogue, stored, Date.now());
      return stored;
    },

    async delete(digest) {
      const held = contentWith(catalogue, digest);
      if (!held) return false;
      removeContent(catalogue, held.sha256);
      return contents.delete(held.sha256);
    },

    async *list() {
      for (const { digests, size } of allContent(catalogue)) yield { digests, size };
    },
  };
}
