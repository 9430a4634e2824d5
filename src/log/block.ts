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
  /** A snapshot of the index, where one was made: of the first `size` entries, 2^`bits` buckets, their tree's root. */
  readonly index?: { readonly size: number; readonly bits: number; readonly root: string };
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
    ...(index && { index: { size: index.size, bits: index.bits, root: index.root } }),
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
  const index = membersOf(members['index'], 'index', ['size', 'bits', 'root']);
  const bits = countIn(index, 'bits');
  if (bits > 32) throw wrong('bits', '32 at most');
  return { ...block, index: { size: countIn(index, 'size'), bits, root: hexIn(index, 'root', 32) } };
}
