import { accessSync, constants, readdirSync } from 'node:fs';
import { PyrsiaError } from '../errors.ts';
import { layoutOf } from './layout.ts';

/**
 * Sees to it that a cache which shows nothing is an empty one, or none.
 *
 * @throws PyrsiaError `CACHE_UNREADABLE` when what lies at `path` may not be read, or is no directory
 */
export function demandReadable(path: string): void {
  const { root, content, catalogue } = layoutOf(path);
  try {
    readdirSync(root);
    readdirSync(content);
    accessSync(catalogue, constants.R_OK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('CACHE_UNREADABLE', { path, reason }, { cause: error });
  }
}
