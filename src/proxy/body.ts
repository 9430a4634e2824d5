import type { Readable } from 'node:stream';
import { giveBack, isPart, PIECE, takeBuffer } from '../content/buffers.ts';
import type { ByteStream } from '../content/source.ts';

/** Upstream is to wait when so many bytes have come that nobody has asked for: 1 MiB. */
const AHEAD = 4 * PIECE;

/** Up to this many bytes a piece is copied, so that it takes no more memory than it has bytes: 64 KiB. */
const SMALL = 64 * 2 ** 10;

const CLOSED = 'the connection was closed';

/** What has come and nobody has taken yet. */
interface Gathered {
  add(this: void, chunk: Uint8Array): void;
  /** As much as there is, up to a piece. */
  take(this: void): Uint8Array | undefined;
  /** Gives back whatever is left. */
  drop(this: void): void;
}

/** Nothing has come so far. What landed in memory that is handed on stays where it is, one read behind the other. */
function gathering(): Gathered {
  const full: Uint8Array[] = [];
  let filling: Uint8Array | undefined;
  let filled = 0;
  /** Whether what is being filled is the connection's own: once it was handed on, it may be anybody's. */
  let isLanding = false;

  const putAway = (): void => {
    if (filling && filled > 0) full.push(filling.subarray(0, filled));
    else if (filling && !isLanding) giveBack(filling);
    [filling, filled] = [undefined, 0];
  };
  const land = (chunk: Uint8Array): void => {
    const isNext =
      isLanding && filling?.buffer === chunk.buffer && filling.byteOffset + filled === chunk.byteOffset;
    if (!isNext) {
      putAway();
      filling = new Uint8Array(chunk.buffer, chunk.byteOffset);
      isLanding = true;
    }
    filled += chunk.byteLength;
  };
  const copy = (chunk: Uint8Array): void => {
    if (isLanding) putAway();
    isLanding = false;
    for (let at = 0; at < chunk.byteLength;) {
      filling ??= takeBuffer();
      const part = chunk.subarray(at, at + PIECE - filled);
      filling.set(part, filled);
      filled += part.byteLength;
      at += part.byteLength;
      if (filled === PIECE) putAway();
    }
  };

  return {
    add: (chunk) => (isPart(chunk) ? land(chunk) : copy(chunk)),
    take() {
      const whole = full.shift();
      if (whole) return whole;
      if (!filling || filled === 0) return undefined;
      const rest = filling.subarray(0, filled);
      const isSmall = filled <= SMALL;
      if (isLanding) filling = filling.subarray(filled);
      else if (!isSmall) filling = undefined;
      filled = 0;
      if (!isSmall) return rest;
      const small = rest.slice();
      if (isLanding) giveBack(rest);
      return small;
    },
    drop() {
      putAway();
      for (const each of full.splice(0)) giveBack(each);
    },
  };
}

/**
 * A body in as few pieces of up to 256 KiB as it comes in: what arrives together is handed on together, and what
 * arrives while nobody asks is gathered, up to 1 MiB. Whoever is done with a piece may give it back
 * (`content/buffers.ts`). Fails as the body does, after what had come.
 */
export async function* piecesOf(body: Readable): AsyncGenerator<Uint8Array> {
  const gathered = gathering();
  let come = 0;
  let end: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  let isWoken = false;

  /** Not at once: more may be waiting in the socket. */
  const wakeSoon = (): void => {
    if (isWoken || !wake) return;
    isWoken = true;
    setImmediate(wake);
  };
  const gather = (chunk: Uint8Array): void => {
    gathered.add(chunk);
    come += chunk.byteLength;
    if (come >= AHEAD) body.pause();
    wakeSoon();
  };
  const over = (how: typeof end): void => {
    end ??= how;
    wakeSoon();
  };

  body.on('data', gather);
  body.once('end', () => over({}));
  body.on('error', (error) => over({ error }));
  body.once('close', () => over({ error: new Error(CLOSED) }));
  if (body.errored) over({ error: body.errored });
  else if (body.readableEnded || body.destroyed) over(body.readableEnded ? {} : { error: new Error(CLOSED) });
  try {
    for (;;) {
      const piece = gathered.take();
      if (piece) {
        come -= piece.byteLength;
        if (come < AHEAD) body.resume();
        yield piece;
      } else if (!end) {
        await new Promise<void>((resolve) => (wake = resolve));
        [wake, isWoken] = [undefined, false];
      } else if ('error' in end) {
        throw end.error;
      } else return;
    }
  } finally {
    // What is in the stream already comes even after this.
    body.off('data', gather).destroy();
    gathered.drop();
  }
}

/** Gives up content that will not be read. */
export async function closed(chunks: ByteStream): Promise<void> {
  if (Symbol.asyncIterator in chunks) await chunks[Symbol.asyncIterator]().return?.();
}
