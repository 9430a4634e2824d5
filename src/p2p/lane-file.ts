import { close, open, read } from 'node:fs';

/** Reads files of which one is open at a time: the one that was read last. */
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
      if (current?.path === path) {
        if (await filled(current.fd, into, position)) return true;
        // Another file may lie there now.
      }
      closeIt();
      const fd = await opened(path);
      if (fd === undefined) return false;
      current = { path, fd };
      return filled(fd, into, position);
    },
  };
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
