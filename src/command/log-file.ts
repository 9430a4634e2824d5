/**
 * Reading a log that another process writes and puts aside.
 *
 * @module
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { setInterval } from 'node:timers/promises';

/** How often it is looked for something new, in milliseconds. */
const LOOK_EVERY_MS = 200;

/** The last `count` lines, and where the file ended; none when there is no file. The file is bounded. */
export function lastLines(path: string, count: number): { readonly lines: string[]; readonly end: number } {
  if (!statSync(path, { throwIfNoEntry: false })) return { lines: [], end: 0 };
  const text = readFileSync(path);
  const lines = text.toString().split('\n').slice(0, -1);
  return { lines: lines.slice(Math.max(0, lines.length - count)), end: text.length };
}

/** What is written to the log after `offset` bytes, for ever; a new file in its place is read from its start. */
export async function* follow(path: string, offset: number): AsyncGenerator<string> {
  let inode = statSync(path, { throwIfNoEntry: false })?.ino;
  let at = offset;
  for await (const _ of setInterval(LOOK_EVERY_MS)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.ino !== inode || stat.size < at) [inode, at] = [stat.ino, 0];
    if (stat.size === at) continue;
    const bytes = Buffer.alloc(stat.size - at);
    const file = openSync(path, 'r');
    at += readSync(file, bytes, 0, bytes.length, at);
    closeSync(file);
    yield bytes.toString();
  }
}
