/**
 * The last entry of a batch: when it was made, after which tree, and which index of coordinates holds from there on.
 *
 * @module
 */
import { countIn, hexIn, membersOf, timeIn, timeText, wrong } from './shape.ts';
import { predicateTypes, type Statement, statementOf, type Subject } from './statement.ts';

/** What a batch is closed with. Hashes are in hex. */
export interface Block {
  /** The origin of the log. */
  readonly origin: string;
  /** How many batches there were before it. */
  readonly height: number;
  /** Which set of authorities has decided it. */
  readonly epoch: number;
  /** In seconds since 1970. */
  readonly time: number;
  /** What nobody could foresee, by which builders are drawn. */
  readonly beacon: string;
  /** The tree before the batch. */
  readonly previous: { readonly size: number; readonly root: string };
  /** The digest of all that has been revoked. */
  readonly revoked: string;
  /** The index of coordinates that holds from here on. */
  readonly index?: BlockIndex;
}

/** An index of coordinates, as a block names it. Hashes are in hex. */
export interface BlockIndex {
  /** The snapshot is of so many entries, the first. */
  readonly size: number;
  /** It has 2^`bits` buckets. */
  readonly bits: number;
  /** Of the tree of buckets. */
  readonly root: string;
  /** The leaf hash of the list of what came after the snapshot, up to the block; absent where there is no such list. */
  readonly recent?: string;
}

/** The statement of a block. */
export function blockStatement({
  origin,
  height,
  epoch,
  time,
  beacon,
  previous,
  revoked,
  index,
}: Block): Statement {
  const predicate = {
    height,
    epoch,
    time: timeText(time),
    beacon,
    previous: { size: previous.size, root: previous.root },
    revoked,
    ...(index && { index: toldIndex(index) }),
  };
  return statementOf(predicateTypes.block, [{ name: origin, digest: { sha256: previous.root } }], predicate);
}

/** Reads the predicate of a block. */
export function readBlock(subjects: readonly Subject[], predicate: unknown): Block {
  const [subject, ...others] = subjects;
  const members = membersOf(
    predicate,
    'predicate',
    ['height', 'epoch', 'time', 'beacon', 'previous', 'revoked'],
    ['index'],
  );
  const previous = membersOf(members['previous'], 'previous', ['size', 'root']);
  const root = hexIn(previous, 'root', 32);
  if (subject === undefined || others.length > 0 || subject.digest['sha256'] !== root)
    throw wrong('subject', 'the tree before the block');
  const block = {
    origin: subject.name,
    height: countIn(members, 'height'),
    epoch: countIn(members, 'epoch'),
    time: timeIn(members, 'time'),
    beacon: hexIn(members, 'beacon', 32),
    previous: { size: countIn(previous, 'size'), root },
    revoked: hexIn(members, 'revoked', 32),
  };
  if (members['index'] === undefined) return block;
  return { ...block, index: indexIn(members['index']) };
}

function indexIn(value: unknown): BlockIndex {
  const members = membersOf(value, 'index', ['size', 'bits', 'root'], ['recent']);
  const bits = countIn(members, 'bits');
  if (bits > 32) throw wrong('bits', '32 at most');
  const index = { size: countIn(members, 'size'), bits, root: hexIn(members, 'root', 32) };
  return members['recent'] === undefined ? index : { ...index, recent: hexIn(members, 'recent', 32) };
}

function toldIndex({ size, bits, root, recent }: BlockIndex): BlockIndex {
  return { size, bits, root, ...(recent !== undefined && { recent }) };
}
