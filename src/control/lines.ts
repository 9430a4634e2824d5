/**
 * Messages on a socket: JSON, one a line, bounded.
 *
 * @module
 */
import type { Socket } from 'node:net';

const NEWLINE = 0x0a;

/** What becomes of the lines that a socket brings. */
export interface LineListener {
  onMessage(message: Record<string, unknown>): void;
  /** Called once, with what came instead of a message; nothing is read after it. */
  onMalformed(reason: string): void;
}

/** Reads messages of at most `limit` bytes each from `socket`, holding one of them in memory. */
export function readMessages(socket: Socket, limit: number, listener: LineListener): void {
  let held: Buffer[] = [];
  let size = 0;

  socket.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
      if (!hold(chunk.subarray(from, end)) || !deliver()) return stop();
    }
    if (!hold(chunk.subarray(from))) stop();
  });

  function hold(piece: Buffer): boolean {
    held.push(piece);
    size += piece.length;
    if (size > limit) listener.onMalformed(`a line of more than ${limit} bytes came`);
    return size <= limit;
  }

  function deliver(): boolean {
    const text = Buffer.concat(held, size).toString();
    held = [];
    size = 0;
    const message = parse(text);
    if (message) listener.onMessage(message);
    else listener.onMalformed(`no message but ${JSON.stringify(text.slice(0, 60))} came`);
    return message !== undefined;
  }

  function stop(): void {
    held = [];
    socket.removeAllListeners('data').resume();
  }
}

/** One message, as it goes over the wire. */
export function toLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `value` is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
