/**
 * Requests in a stream of bytes: where each ends, and what its head says. Nothing of them is changed.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6
 * @module
 */

/** The beginning of a request. */
export interface RequestHead {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Reads a head, with the empty line at its end; undefined for what is none of HTTP/1.1. */
export function parseHead(bytes: Buffer): RequestHead | undefined {
  const text = bytes.toString('latin1');
  if (!text.endsWith('\r\n\r\n')) return undefined;
  const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
  const [, method = '', target] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(first) ?? [];
  if (target === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value = ''] = /^([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) return undefined;
    headers.set(name.toLowerCase(), value.trim());
  }
  return { method, target, headers };
}

/** Finds where a body ends, however it is cut. */
export interface Framing {
  /** How many of these bytes belong to the body. Less than all of them: it ends there. */
  feed(bytes: Buffer): number;
  readonly isOver: boolean;
}

/** The framing of a request's body; undefined where nobody can tell where it ends. */
export function framingOf({ headers }: RequestHead): Framing | undefined {
  const coding = headers.get('transfer-encoding')?.toLowerCase();
  if (coding !== undefined) return coding === 'chunked' ? chunked() : undefined;
  const length = headers.get('content-length') ?? '0';
  return /^\d{1,15}$/.test(length) ? counted(Number(length)) : undefined;
}

function counted(length: number): Framing {
  let left = length;
  return {
    get isOver() {
      return left === 0;
    },
    feed(bytes) {
      const used = Math.min(left, bytes.byteLength);
      left -= used;
      return used;
    },
  };
}

const LF = 0x0a;
/** The longest line that says how long a chunk is, in bytes: nobody writes longer ones. */
const CHUNK_LINE_LIMIT = 4096;

function chunked(): Framing {
  let state: 'size' | 'data' | 'trailer' | 'over' = 'size';
  let line = '';
  let left = 0;
  function lineEnds(): void {
    if (state === 'size') {
      const [, digits] = /^([0-9a-f]{1,12})\s*(?:;|$)/i.exec(line) ?? [];
      if (digits === undefined) throw new Error(`No size of a chunk: ${JSON.stringify(line.slice(0, 80))}`);
      const size = Number.parseInt(digits, 16);
      left = size + 2;
      state = size === 0 ? 'trailer' : 'data';
    } else if (line.trim() === '') state = 'over';
    line = '';
  }
  return {
    get isOver() {
      return state === 'over';
    },
    feed(bytes) {
      let at = 0;
      while (at < bytes.byteLength && state !== 'over') {
        if (state === 'data') {
          const used = Math.min(left, bytes.byteLength - at);
          at += used;
          left -= used;
          if (left === 0) state = 'size';
          continue;
        }
        const end = bytes.indexOf(LF, at);
        line += bytes.toString('latin1', at, end < 0 ? undefined : end);
        if (line.length > CHUNK_LINE_LIMIT) throw new Error('A line among chunks is too long');
        at = end < 0 ? bytes.byteLength : end + 1;
        if (end >= 0) lineEnds();
      }
      return at;
    },
  };
}
