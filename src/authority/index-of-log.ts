/**
 * Writes the index of coordinates beside the tiles, as the last block of a tree names it. Whatever is written can be made anew.
 *
 * @module
 */
import type { TreeHead } from '../content/merkle.ts';
import type { BlockIndex } from '../log/block.ts';
import { parseEntry } from '../log/entry.ts';
import { RECENT_PATH, snapshotFiles } from '../log/index-files.ts';
import { provenLog } from '../log/read-tiles.ts';
import { TILE_WIDTH } from '../log/tiles.ts';
import type { LogFiles } from './log-files.ts';
import { openRecentList } from './recent-list.ts';
import type { Said } from './said.ts';

/** Writes the index that holds at `head`. */
export type WriteIndex = (head: TreeHead) => Promise<void>;

/** How the index of the log in `files` is written. */
export function openIndexOfLog(files: LogFiles, said: Said): WriteIndex {
  const recent = openRecentList(said);
  let written: BlockIndex | undefined;
  let before: number | undefined;
  return async (head) => {
    const index = await indexAt(files, head);
    if (index === undefined) return;
    const { size } = index;
    if (written?.size !== size) {
      await files.writeLoosely(snapshotFiles(said.records(0n, BigInt(size)), BigInt(size)).files);
      // Who has just read the block before may still want the buckets that it names; those before nobody does.
      if (written !== undefined && before !== undefined) await files.drop([`index/${before}`]);
      before = written?.size;
    }
    await files.writeLoosely([{ path: RECENT_PATH, bytes: recent(BigInt(size), head.size) }]);
    written = index;
  };
}

/** What the last block of a tree says of the index. */
async function indexAt(files: LogFiles, head: TreeHead): Promise<BlockIndex | undefined> {
  if (head.size === 0n) return undefined;
  const entries = await provenLog(files, head).entries((head.size - 1n) / BigInt(TILE_WIDTH));
  const entry = parseEntry(entries.at(-1)!);
  return entry.kind === 'block' ? entry.block.index : undefined;
}
