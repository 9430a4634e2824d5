/**
 * What commands about a log take: where it is, and whom to believe about it.
 *
 * @module
 */
import { createReadStream, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { PyrsiaError } from '../errors.ts';
import { parseVerifierKey } from '../log/keys.ts';
import {
  type Policy,
  parsePolicy,
  policyOf,
  type ProvenCheckpoint,
  provenCheckpoint,
} from '../log/policy.ts';
import { type ProvenLog, provenLog, type TileSource } from '../log/read-tiles.ts';
import { decodeNumber, decodeText } from '../log/text.ts';
import { TILE_WIDTH } from '../log/tiles.ts';
import type { Session } from '../session.ts';

/** The most bytes of a checkpoint, or another small file, that is read: 256 KiB. */
const CHECKPOINT_LIMIT = 256 * 2 ** 10;

/** Where the log is. */
export const where = Args.string({
  name: 'log',
  description: 'directory or URL of a log',
  required: true,
});

/** Whom to believe: a policy, or one key. */
export const trustFlags = {
  policy: Flags.string({
    summary: 'believe what this policy file asks for',
    helpValue: 'FILE',
    exactlyOne: ['policy', 'key'],
  }),
  key: Flags.string({ summary: 'believe the log with this verifier key', helpValue: 'NAME+ID+KEY' }),
};

/** Whom the flags say to believe. */
export async function trusted({
  policy,
  key,
}: {
  policy?: string | undefined;
  key?: string | undefined;
}): Promise<Policy> {
  if (policy === undefined) return policyOf(parseVerifierKey(key ?? ''));
  return parsePolicy(await wholeFile(policy, CHECKPOINT_LIMIT), policy);
}

/** An open log, its checkpoint believed. */
export interface OpenLog extends AsyncDisposable {
  readonly checkpoint: ProvenCheckpoint;
  readonly text: string;
  readonly log: ProvenLog;
  /** Files that were put right while it was read. */
  readonly repaired?: readonly string[];
}

/** Opens the log at a directory or an address, and reads its checkpoint. */
export async function openLog(session: Session, place: string, policy: Policy): Promise<OpenLog> {
  const { source, close } = await sourceAt(session, place);
  try {
    const bytes = await source.read('checkpoint', CHECKPOINT_LIMIT);
    const what = `the checkpoint of ${source.name}`;
    if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what });
    const text = decodeText(bytes, what, CHECKPOINT_LIMIT);
    const checkpoint = provenCheckpoint(text, policy, what);
    return { checkpoint, text, log: provenLog(source, checkpoint), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens the log in a directory; what is missing there, or is not what the checkpoint vouches for, is taken from `copy` as it is
 * read, and put there. A checkpoint that is there stays: a copy of less or of something else repairs nothing.
 */
export async function openLogToRepair(
  session: Session,
  directory: string,
  copy: string,
  policy: Policy,
): Promise<OpenLog> {
  if (/^https?:/i.test(directory))
    throw new PyrsiaError('REFERENCE_MALFORMED', {
      text: directory,
      reason: 'only a directory can be repaired',
    });
  const here = await sourceAt(session, directory);
  const there = await sourceAt(session, copy);
  try {
    const what = `the checkpoint of ${directory}`;
    const own = await here.source.read('checkpoint', CHECKPOINT_LIMIT);
    const bytes = own ?? (await there.source.read('checkpoint', CHECKPOINT_LIMIT));
    if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what });
    const text = decodeText(bytes, what, CHECKPOINT_LIMIT);
    const checkpoint = provenCheckpoint(text, policy, what);
    const repaired: string[] = [];
    const put = (path: string, content: Uint8Array): void => {
      putFile(resolve(session.cwd, directory, path), content);
      repaired.push(path);
    };
    if (own === undefined) put('checkpoint', bytes);
    const log = provenLog([here.source, there.source], checkpoint, {
      keep: (path, content, source) => source === there.source && put(path, content),
    });
    return { checkpoint, text, log, repaired, [Symbol.asyncDispose]: there.close };
  } catch (error) {
    await there.close();
    throw error;
  }
}

function putFile(path: string, bytes: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason }, { cause: error });
  }
}

/** Entry `index` of a log, proven. Rejects with `REFERENCE_MALFORMED`, or `NOT_FOUND` beyond its end. */
export async function entryAt(
  { checkpoint, log }: OpenLog,
  index: string,
): Promise<{ index: bigint; entry: Uint8Array }> {
  const number = decodeNumber(index);
  if (number === undefined)
    throw new PyrsiaError('REFERENCE_MALFORMED', { text: index, reason: 'expected the number of an entry' });
  if (number >= checkpoint.size)
    throw new PyrsiaError('NOT_FOUND', {
      what: `entry ${number} of ${checkpoint.origin}, which has ${checkpoint.size}`,
    });
  const width = BigInt(TILE_WIDTH);
  const entries = await log.entries(number / width);
  return { index: number, entry: entries[Number(number % width)]! };
}

/** A file of the user's, whole. @throws PyrsiaError `NOT_FOUND`, `DOCUMENT_TOO_LARGE` */
export async function wholeFile(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await fileAt(path, limit);
  if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what: path });
  return bytes;
}

/** A file, or undefined; it may be a pipe. */
async function fileAt(path: string, limit: number): Promise<Uint8Array | undefined> {
  try {
    const { size } = await stat(path);
    if (size > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: path, limit });
    if (size > 0) return await readFile(path);
    const chunks: Buffer[] = [];
    let read = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      read += chunk.byteLength;
      if (read > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: path, limit });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

/** Where a log is read that is at a directory or an address, and how to close that. */
export async function sourceAt(
  session: Session,
  place: string,
): Promise<{ source: TileSource; close: () => Promise<void> }> {
  if (!/^https?:/i.test(place)) {
    const directory = resolve(session.cwd, place);
    const source: TileSource = { name: place, read: (path, limit) => fileAt(join(directory, path), limit) };
    return { source, close: () => Promise.resolve() };
  }
  const url = URL.canParse(place) ? new URL(place.endsWith('/') ? place : `${place}/`) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '')
    throw new PyrsiaError('REFERENCE_MALFORMED', { text: place, reason: 'it is no address of a directory' });
  if (session.env['PYRSIA_OFFLINE'] === '1')
    throw new PyrsiaError('OFFLINE_MISS', { what: place, reason: 'PYRSIA_OFFLINE is set' });
  const [{ openUpstreams }, { httpTiles }, { proxiesIn }] = await Promise.all([
    import('../proxy/upstream.ts'),
    import('../proxy/http-tiles.ts'),
    import('../shims/proxies.ts'),
  ]);
  const upstreams = openUpstreams({ silenceMs: session.config.values['upstream.timeout'] });
  const source = httpTiles(url, upstreams, { strictSsl: true, ...proxiesIn(session.env) });
  return { source, close: async () => upstreams[Symbol.asyncDispose]() };
}
