/**
 * Asks a peer for content on a {@link Lane}, several requests at a time. What comes and was not asked for is a fault, and the
 * lane is closed.
 *
 * @module
 */
import type { Connection } from '@libp2p/interface';
import { IN_FLIGHT_LIMIT } from '../serve/allowance.ts';
import type { Digest } from '../../content/digest.ts';
import type { Bucket } from '../wire/bucket.ts';
import { type Channel, channelOver } from '../wire/channel.ts';
import type { Clock } from '../clock.ts';
import { openStream } from '../wire/dial.ts';
import { PeerFault } from '../fault.ts';
import type { Lane } from '../wire/lane.ts';
import { type Pace, startPace } from '../wire/pace.ts';
import { watch } from '../wire/watch.ts';
import {
  ANSWER_START,
  BLOB_PROTOCOL,
  type BlobAnswer,
  type BlobRequest,
  formatBlobRequest,
  type Holding,
  LENGTH_LIMIT,
  parseBlobAnswer,
} from '../wire/wire.ts';

/** How many requests are on their way at a time. */
const REQUESTS_LIMIT = 16;

/** How many bytes are asked for in one go, where they are few. */
const GATHERED = 256 * 2 ** 10;

/** How long a lane is kept that nobody uses, in milliseconds: less than whoever serves it keeps it. */
const UNUSED = 20_000;

/** Of how much content it is remembered what the peer has. */
const KNOWN_LIMIT = 4096;

/** How a lane is opened. */
export interface LaneOptions {
  readonly signal?: AbortSignal;
  readonly clock: Clock;
  /** What may come in, in bytes. */
  readonly download: Bucket;
  /** Memory for so many bytes of content, which is whoever's they are fetched for; fresh by default. */
  readonly memory?: (this: void, length: number) => Uint8Array;
}

interface Asked extends BlobRequest {
  /** Rejected already: what comes is for nobody. */
  dropped: boolean;
  resolve(this: void, bytes: Uint8Array | undefined): void;
  reject(this: void, error: unknown): void;
}

/**
 * Opens a lane.
 *
 * @throws PeerFault `cut`, where the peer does not speak the protocol or cannot be reached; or whatever the signal is aborted with.
 */
export async function openLane(
  connection: Connection,
  { signal, clock, download, memory }: LaneOptions,
): Promise<Lane> {
  const stream = await openStream(connection, BLOB_PROTOCOL, signal);
  const pace = startPace();
  const channel = channelOver(stream, connection.remotePeer.toString(), 'lied', {
    came: (bytes) => pace.moved(bytes, clock.now()),
  });
  const { ask, known, quiet } = asking(channel, download, pace, clock.now, memory);
  watch(channel, clock, (now) => {
    if (pace.over(now)) return ['slow', 'it sends too little of what it was asked for'];
    return quiet(now) > UNUSED ? ['cut', 'nothing was asked for a while'] : undefined;
  });
  return {
    peer: channel.peer,
    get open() {
      return !channel.closed.aborted;
    },
    async fetch(digest, offset, length, options) {
      if (length === 0) return new Uint8Array();
      const bytes = await ask({ kind: 'bytes', digest, offset, length }, options?.signal);
      if (bytes === undefined) throw new PeerFault('none', channel.peer, 'it has not what it was asked for');
      return bytes;
    },
    list: (digest, options) =>
      ask({ kind: 'list', digest, offset: 0, length: LENGTH_LIMIT }, options?.signal),
    available: (digest) => known.get(digest)?.available,
    close: () => void channel.close('cut', 'it is not needed any more'),
  };
}

interface Asking {
  ask(this: void, request: BlobRequest, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  readonly known: ReadonlyMap<Digest, Holding>;
  /** For how long nothing has been asked for, in milliseconds. */
  quiet(this: void, now: number): number;
}

function asking(
  channel: Channel,
  download: Bucket,
  pace: Pace,
  now: () => number,
  memory: LaneOptions['memory'],
): Asking {
  const known = new Map<Digest, Holding>();
  const waiting: Asked[] = [];
  const sent: Asked[] = [];
  /** What is about to be sent, and waits for its turn. */
  let going: Asked[] = [];
  let inFlight = 0;
  let sending = false;
  let used = now();

  /** What may be asked for now: one request, or several small ones. */
  const next = (): Asked[] => {
    const batch: Asked[] = [];
    let bytes = 0;
    for (let first = waiting[0]; first; first = waiting[0]) {
      const fits = inFlight + bytes === 0 || inFlight + bytes + first.length <= IN_FLIGHT_LIMIT;
      const gathers = bytes === 0 || bytes + first.length <= GATHERED;
      if (!first.dropped && (sent.length + batch.length >= REQUESTS_LIMIT || !fits || !gathers)) break;
      waiting.shift();
      if (first.dropped) continue;
      batch.push(first);
      bytes += first.length;
    }
    return batch;
  };

  /** Once everything that is asked for at this moment is known. */
  const send = (): void => {
    if (sending) return;
    sending = true;
    process.nextTick(() => void sendAll().catch(() => undefined));
  };
  const sendAll = async (): Promise<void> => {
    try {
      for (going = next(); going.length > 0; going = next()) {
        const bytes = going.reduce((sum, { length }) => sum + length, 0);
        await download.take(bytes, channel.closed);
        const count = going.length;
        const requests = Buffer.concat(going.map(formatBlobRequest));
        pace.wait(now());
        sent.push(...going.splice(0));
        inFlight += bytes;
        channel.expect(bytes + count * ANSWER_START);
        await channel.send(requests);
      }
    } finally {
      sending = false;
    }
  };

  const readAnswers = async (): Promise<void> => {
    for (;;) {
      const start = await channel.read(ANSWER_START);
      const [asked] = sent;
      if (start === undefined || asked === undefined) throw channel.close('cut', 'it closed the stream');
      const answer = checked(parseBlobAnswer(start), asked, known.get(asked.digest), channel);
      channel.expect(answer.length - asked.length);
      // What is for nobody any more takes no memory from whoever comes next.
      const into = asked.kind === 'bytes' && !asked.dropped ? memory?.(answer.length) : undefined;
      const bytes = answer.length === 0 ? undefined : await channel.read(answer.length, into);
      if (bytes === undefined && answer.length > 0) throw channel.close('cut', 'it closed the stream');
      remember(known, asked.digest, answer);
      sent.shift();
      inFlight -= asked.length;
      used = now();
      if (sent.length === 0) pace.rest(used);
      if (answer.status === 'busy') asked.reject(new PeerFault('busy', channel.peer, 'it is busy'));
      else asked.resolve(bytes);
      if (waiting.length > 0) send();
    }
  };

  channel.closed.addEventListener('abort', () => {
    for (const each of [...sent, ...going, ...waiting]) each.reject(channel.closed.reason);
  });
  readAnswers().catch((error: Error) => channel.close('malformed', error.message));

  return {
    known,
    quiet: (at) => (sent.length + going.length + waiting.length === 0 ? at - used : 0),
    async ask(request, signal) {
      signal?.throwIfAborted();
      channel.closed.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
      const settled = (): void => {
        asked.dropped = true;
        signal?.removeEventListener('abort', drop);
      };
      const drop = (): void => asked.reject(signal?.reason);
      const asked: Asked = {
        ...request,
        dropped: false,
        resolve(bytes) {
          settled();
          resolve(bytes);
        },
        reject(error) {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener('abort', drop);
      waiting.push(asked);
      used = now();
      send();
      return promise;
    },
  };
}

/** That an answer is one to what was asked, and does not contradict what was said before. */
function checked(
  answer: BlobAnswer,
  { kind, offset, length }: BlobRequest,
  before: Holding | undefined,
  channel: Channel,
): BlobAnswer {
  if (answer.status !== 'here') return answer;
  if (kind === 'list' ? answer.length > length : answer.length !== length)
    throw channel.close('lied', `it gives ${answer.length} bytes where ${length} were asked for`);
  if (kind === 'bytes' && offset + length > answer.available)
    throw channel.close('lied', 'it gives what it says it has not');
  if (before && before.size !== answer.size)
    throw channel.close('lied', `it says now that there are ${answer.size} bytes, not ${before.size}`);
  return answer;
}

function remember(
  known: Map<Digest, Holding>,
  digest: Digest,
  { status, size, available }: BlobAnswer,
): void {
  known.delete(digest);
  // Without a size it knows nothing of it.
  if (status !== 'here' && size === 0) return;
  known.set(digest, { size, available });
  if (known.size > KNOWN_LIMIT) known.delete(known.keys().next().value!);
}
