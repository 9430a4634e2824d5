import type { LogFiles } from '../../src/authority/log-files.ts';
import type { LogFile } from '../../src/log/grow.ts';

/** Files in memory; `failing` says why nothing can be written. */
export interface MemoryFiles extends LogFiles {
  readonly files: Map<string, Uint8Array>;
  failing?: string;
  /** Told of each write before it happens. */
  onWrite?: (path: string) => void;
}

export function memoryFiles(files = new Map<string, Uint8Array>()): MemoryFiles {
  const write = async (some: readonly LogFile[]): Promise<void> => {
    for (const { path, bytes } of some) {
      if (memory.failing !== undefined) throw new Error(memory.failing);
      memory.onWrite?.(path);
      files.set(path, Uint8Array.from(bytes));
    }
  };
  const memory: MemoryFiles = {
    name: 'a disk',
    files,
    read: async (path) => files.get(path),
    write,
    writeLoosely: write,
    async drop(paths) {
      for (const path of paths)
        for (const each of files.keys()) if (each.startsWith(`${path}/`)) files.delete(each);
    },
  };
  return memory;
}
