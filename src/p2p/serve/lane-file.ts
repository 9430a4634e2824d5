import { close, closeSync, open, openSync, read, readSync } from 'node:fs';

/** Up to how many bytes are read at once while everything else waits: to have it done elsewhere takes longer. */
const AT_ONCE = 64 * 2 ** 10;

/** Reads files of which one is open at a time: the one of which much was read last. */
export interface LaneFile {
  /**
   * Fills `into` with what the file has from `position` on. Resolves to whether it could: it may be gone by now, or shorter.
   * One at a time.
   */
  fill(this: void, path: string, into: Uint8Array, position: number): Promise<boolean>;
  close(this: void): void;
}

/** None is open. */
export function openLaneFile(): LaneFile {
  let current: { readonly path: string; readonly fd: number } | undefined;
  const closeIt = (): void => {
    if (current !== undefined) close(current.fd, () => undefined);
    current = undefined;
  };
  return {
    close: closeIt,
    async fill(path, into, position) {
      if (current?.path !== path && into.byteLength <= AT_ONCE) return filledAtOnce(path, into, position);
      if (current?.path === path && (await filled(current.fd, into, position))) return true;
      // Where it is not as long as it was, another file may lie there now.
      closeIt();
      const fd = await opened(path);
      if (fd === undefined) return false;
      current = { path, fd };
      return filled(fd, into, position);
    },
  };
}

function filledAtOnce(path: string, into: Uint8Array, position: number): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    let at = 0;
    for (let bytes = -1; at < into.byteLength && bytes !== 0; at += bytes)
      bytes = readSync(fd, into, at, into.byteLength - at, position + at);
    return at === into.byteLength;
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function filled(fd: number, into: Uint8Array, position: number): Promise<boolean> {
  for (let at = 0; at < into.byteLength;) {
    const bytes = await readSome(fd, into.subarray(at), position + at);
    if (bytes === 0) return false;
    at += bytes;
  }
  return true;
}

function opened(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    open(path, 'r', (error, fd) => resolve(error ? undefined : fd));
  });
}

function readSome(fd: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve) => {
    read(fd, into, 0, into.byteLength, position, (error, bytes) => resolve(error ? 0 : bytes));
  });
}
