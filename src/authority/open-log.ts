/**
 * {@link LogCore} as plain files in a directory: `tile/…` as c2sp.org/tlog-tiles has them, and `position`, which says how
 * much of them counts.
 *
 * A batch is written in two steps. First its files, none of which changes what the position before it vouches for;
 * then, when all are on the disk, the position, in one rename. A crash in between leaves files that nothing refers to, and
 * the next batch writes over them.
 *
 * @module
 */
import { EMPTY_ROOT, equalHashes, leafHash } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { type Edge, EMPTY_EDGE, grow, headOf, type LogFile } from '../log/grow.ts';
import { provenLog, type TileSource } from '../log/read-tiles.ts';
import { decodeHash, decodeNumber, encodeBase64, invalid } from '../log/text.ts';
import { parseTile, partialTiles, TILE_WIDTH, tilePath } from '../log/tiles.ts';
import type { Decided, Position, ReadableLog } from './log-core.ts';
import { diskFiles, type LogFiles } from './log-files.ts';

/** The most bytes of `position`: two numbers and a hash. */
const POSITION_LIMIT = 200;

/** What an authority makes of a batch before it is part of the log. */
export type Judge = (batch: readonly Uint8Array[], after: Position) => string | null;

/** Makes an empty log in `directory`, which exists and has none. */
export async function createDiskLog(directory: string): Promise<void> {
  await createLog(diskFiles(directory));
}

/** Opens the log in `directory`: {@link openLog}. */
export async function openDiskLog(directory: string, judge: Judge): Promise<ReadableLog> {
  return openLog(diskFiles(directory), judge);
}

/** Makes an empty log where there is none. */
export async function createLog(files: LogFiles): Promise<void> {
  if ((await files.read('position', POSITION_LIMIT)) !== undefined)
    throw new PyrsiaError('FILE_UNWRITABLE', { path: files.name, reason: 'there is a log already' });
  const nothing = { seq: 0n, size: 0n, root: EMPTY_ROOT };
  await files.write([{ path: 'position', bytes: Buffer.from(positionText(nothing)) }]);
}

/**
 * Opens a log. `committed` is told of each batch that has just become part of it.
 *
 * Rejects with `NOT_FOUND`, `DOCUMENT_INVALID` or `NOT_PROVEN`, which name the file, when its position or one at its right edge is
 * missing, cut or altered: who signs such a log signs a fork.
 */
export async function openLog(
  files: LogFiles,
  judge: Judge,
  committed: (entries: readonly Uint8Array[], first: bigint) => void = () => {},
): Promise<ReadableLog> {
  const source: TileSource = files;
  let position = await readPosition(source);
  let edge = await readEdge(source, position);
  let busy: Promise<void> = Promise.resolve();

  const commit = async ({ seq, entries }: Decided): Promise<void> => {
    if (seq === position.seq && (await isLast(entries))) return;
    if (seq !== position.seq + 1n) throw new RangeError(`Batch ${seq} does not follow ${position.seq}`);
    const reason = judge(entries, position);
    if (reason !== null) throw new PyrsiaError('NOT_PROVEN', { what: `batch ${seq}`, reason });
    const grown = grow(edge, entries);
    await files.write(grown.files);
    const next = { seq, ...headOf(grown.edge) };
    await files.write([{ path: 'position', bytes: Buffer.from(positionText(next)) }]);
    const first = position.size;
    [position, edge] = [next, grown.edge];
    committed(entries, first);
    await files.drop(replaced(grown.files));
  };
  /** Whether the log ends with these entries. */
  const isLast = async (entries: readonly Uint8Array[]): Promise<boolean> => {
    const log = provenLog(source, position);
    const first = position.size - BigInt(entries.length);
    if (first < 0n) return false;
    for (const [i, entry] of entries.entries()) {
      const [hash] = await log.readHashes([{ level: 0, index: first + BigInt(i) }]);
      if (hash === undefined || !equalHashes(hash, leafHash(entry))) return false;
    }
    return true;
  };

  return {
    source,
    last: () => position,
    verify: (batch) => judge(batch, position),
    commit(decided) {
      const done = busy.then(() => commit(decided));
      busy = done.catch(() => {});
      return done;
    },
  };
}

/** The directories of partial tiles in whose place full ones are now; readers take those. */
function replaced(files: readonly LogFile[]): string[] {
  return files.filter(({ path }) => !/\.p\/\d+$/.test(path)).map(({ path }) => `${path}.p`);
}

function positionText({ seq, size, root }: Position): string {
  return `${seq}\n${size}\n${encodeBase64(root)}\n`;
}

async function readPosition(source: TileSource): Promise<Position> {
  const bytes = await source.read('position', POSITION_LIMIT);
  // Without it a log is no empty one: whoever starts it anew makes a fork.
  if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what: `position of ${source.name}` });
  const [seqLine = '', sizeLine = '', rootLine = '', end, ...rest] = Buffer.from(bytes)
    .toString()
    .split('\n');
  const [seq, size, root] = [decodeNumber(seqLine), decodeNumber(sizeLine), decodeHash(rootLine)];
  if (seq === undefined || size === undefined || root === undefined || end !== '' || rest.length > 0)
    throw invalid(`position of ${source.name}`, 'expected two numbers and a hash');
  return { seq, size, root };
}

/** What the partial tiles and the partial bundle hold, proven. */
async function readEdge(source: TileSource, position: Position): Promise<Edge> {
  if (position.size === 0n) return EMPTY_EDGE;
  const log = provenLog(source, position);
  await log.rootAt(position.size);
  const tiles: Uint8Array[][] = [];
  for (const tile of partialTiles(position.size)) {
    const path = tilePath(tile);
    const bytes = await source.read(path, TILE_WIDTH * 32);
    if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what: `${path} of ${source.name}` });
    while (tiles.length < tile.level) tiles.push([]);
    tiles.push(parseTile(bytes, tile.width, path));
  }
  const width = BigInt(TILE_WIDTH);
  const bundle = position.size % width === 0n ? [] : await log.entries(position.size / width);
  const edge = { size: position.size, tiles, bundle };
  if (!equalHashes(headOf(edge).root, position.root))
    throw new PyrsiaError('NOT_PROVEN', {
      what: `the log at ${source.name}`,
      reason: 'its files have changed while it was opened',
    });
  return edge;
}
