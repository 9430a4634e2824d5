/**
 * The real mise, which people have on the same PATH as us. It is fetched once, from the registry that npm is
 * configured with, and kept beside the dependencies.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kept = join(root, 'node_modules', '.cache', 'mise-for-tests');
const program = join('node_modules', '@jdxcode', 'mise-linux-x64', 'bin', 'mise');

/** Where mise is; undefined where it cannot be had: without a network, or on another system. */
export function findMise(): string | undefined {
  const path = join(kept, program);
  if (existsSync(path)) return path;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  mkdirSync(dirname(kept), { recursive: true });
  const fresh = mkdtempSync(`${kept}-`);
  try {
    cpSync(join(root, 'test', 'data', 'mise'), fresh, { recursive: true });
    const fetched = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: fresh, stdio: 'ignore' });
    if (fetched.status === 0 && !existsSync(kept)) renameSync(fresh, kept);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return existsSync(path) ? path : undefined;
}
