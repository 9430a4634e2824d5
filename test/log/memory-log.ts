/**
 * A log in memory, grown by what ships, whose files a test may then alter.
 *
 * @module
 */
import { EMPTY_EDGE, grow, headOf } from '../../src/log/grow.ts';
import type { TreeHead } from '../../src/content/merkle.ts';
import type { TileSource } from '../../src/log/read-tiles.ts';

/** A log, and each file that it ever wrote. */
export interface MemoryLog extends TileSource {
  readonly files: Map<string, Uint8Array>;
  /** Paths that were asked for. */
  readonly asked: string[];
  add(entries: readonly Uint8Array[]): TreeHead;
}

/** Opens an empty log. */
export function memoryLog(): MemoryLog {
  const files = new Map<string, Uint8Array>();
  const asked: string[] = [];
  let edge = EMPTY_EDGE;
  return {
    name: 'the log',
    files,
    asked,
    async read(path, limit) {
      asked.push(path);
      const bytes = files.get(path);
      if (bytes !== undefined && bytes.byteLength > limit) throw new Error(`More than ${limit} bytes`);
      return bytes;
    },
    add(entries) {
      const grown = grow(edge, entries);
      edge = grown.edge;
      for (const { path, bytes } of grown.files) {
        if (files.has(path)) throw new Error(`${path} was written twice`);
        files.set(path, bytes);
      }
      return headOf(edge);
    },
  };
}

/** The entries `from` to below `to` of a log of these tests. */
export const entriesOf = (from: number, to: number): Buffer[] =>
  Array.from({ length: to - from }, (_, i) => Buffer.from(`entry ${from + i}`));
