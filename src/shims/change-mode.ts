import { chmodSync } from 'node:fs';

/** A file system that knows no modes need not be told any. */
const MODELESS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Sets a mode whatever the umask, as far as the file system knows modes. */
export function changeMode(path: string, mode: number): void {
  if (process.platform === 'win32') return;
  try {
    chmodSync(path, mode);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && MODELESS.has(String(error.code)))) throw error;
  }
}
