/**
 * Answers requests for content on one lane, in their order. Small answers are gathered and go out together. Whatever the peer
 * does, there is one piece of content in memory here, the requests that wait, and what the stream has taken.
 *
 * @module
 */
import { type LaneFile, openLaneFile } from './lane-file.ts';
import { readRequests, REQUESTS_BUFFER } from './lane-requests.ts';
import type { Served, Serving } from './serving.ts';
import { ANSWER_START, type BlobAnswer, type BlobRequest, formatBlobAnswer } from '../wire/wire.ts';

/** How much of content is read and sent at a time, in bytes: what a stream takes before it has heard from the other side. */
const PIECE = 240 * 2 ** 10;

/** Fills a part of an answer's content, which begins at `from`; whether it could. */
type Fill = (into: Uint8Array, from: number) => Promise<boolean>;

/** Answers until the peer ends. */
export async function serveLane(served: Served, serving: Serving): Promise<void> {
  const { channel, share } = served;
  channel.expect(REQUESTS_BUFFER);
  const requests = readRequests(served);
  const file = openLaneFile();
  const outlet = openOutlet(served, serving);
  try {
    for (;;) {
      if (requests.waiting.length === 0) await outlet.flush();
      const request = await requests.first();
      if (request === undefined) return;
      const ahead = requests.waiting.reduce((bytes, { length }) => bytes + ANSWER_START + length, 0);
      const release = await share.hold(request.length, channel.closed);
      try {
        await answer(request, served, serving, file, (start, fill) => outlet.put(start, fill, ahead));
      } finally {
        release();
      }
      requests.done();
    }
  } finally {
    file.close();
  }
}

async function answer(
  { kind, digest, offset, length }: BlobRequest,
  { connection }: Served,
  { gives, offers, lists, allowance }: Serving,
  file: LaneFile,
  put: (start: BlobAnswer, fill?: Fill) => Promise<boolean>,
): Promise<void> {
  const offer = gives(connection) ? offers.find(digest) : undefined;
  if (offer === undefined) return void (await put({ status: 'none', size: 0, available: 0, length: 0 }));
  const { size, available, path } = offer;
  const instead = (status: 'none' | 'busy'): Promise<boolean> => put({ status, size, available, length: 0 });

  const list = kind === 'list' ? await lists(offer) : undefined;
  const given = kind === 'list' ? (list?.byteLength ?? 0) : length;
  const has = kind === 'list' ? given > 0 && given <= length : offset + length <= available;
  if (!has) return void (await instead('none'));
  const done = allowance.begin(given);
  if (done === undefined) return void (await instead('busy'));
  try {
    const filled = await put({ status: 'here', size, available, length: given }, async (into, from) => {
      if (list === undefined) return file.fill(path, into, offset + from);
      into.set(list.subarray(from, from + into.byteLength));
      return true;
    });
    if (!filled) await instead('none');
  } finally {
    done();
  }
}

/** What goes out, gathered into pieces. */
interface Outlet {
  /** One answer, as far as it fills pieces; false: there is no content, and nothing was written. */
  put(this: void, start: BlobAnswer, fill: Fill | undefined, ahead: number): Promise<boolean>;
  /** The rest. */
  flush(this: void): Promise<void>;
}

function openOutlet({ channel, send }: Served, { allowance, sent }: Serving): Outlet {
  const most = Math.min(PIECE, allowance.piece);
  let piece = Buffer.alloc(0);
  let used = 0;
  /** How much of that is content. */
  let filled = 0;
  const flush = async (): Promise<void> => {
    if (used === 0) return;
    const full = piece.subarray(0, used);
    const bytes = filled;
    [piece, used, filled] = [Buffer.alloc(0), 0, 0];
    await allowance.upload.take(full.byteLength, channel.closed);
    await send(full);
    sent?.(bytes);
  };
  const begin = (bytes: number): void => {
    if (used === 0) piece = Buffer.allocUnsafe(Math.min(most, bytes));
  };
  return {
    flush,
    async put(start, fill, ahead) {
      const { length } = start;
      if (used + ANSWER_START + length > piece.byteLength) await flush();
      begin(Math.max(ahead, ANSWER_START + length));
      const first = Math.min(length, piece.byteLength - used - ANSWER_START);
      const content = used + ANSWER_START;
      if (fill && !(await fill(piece.subarray(content, content + first), 0))) return false;
      piece.set(formatBlobAnswer(start), used);
      used = content + first;
      filled += first;
      for (let at = first; at < length; at += used) {
        await flush();
        begin(length - at);
        used = Math.min(length - at, piece.byteLength);
        filled = used;
        if (await fill?.(piece.subarray(0, used), at)) continue;
        throw channel.close('cut', 'the content is gone');
      }
      return true;
    },
  };
}
