/**
 * Other versions of Node, from the registry that npm is configured with. They are kept for the next run.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

/** A directory with the latest `node` of this major version in it. */
export function nodeDirectory(major: number): string {
  if (process.version.startsWith(`v${major}.`)) return dirname(process.execPath);
  const kept = keptNodes();
  const directory = join(kept, String(major));
  if (existsSync(join(directory, 'node'))) return directory;

  const making = mkdtempSync(join(kept, 'making-'));
  try {
    const name = `node-${process.platform}-${process.arch}`;
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
    execFileSync('npm', ['install', '--prefix', making, ...options, `${name}@${major}`], { stdio: 'pipe' });
    const bin = join(making, 'node_modules', name, 'bin');
    chmodSync(bin, 0o755);
    renameSync(bin, directory);
  } catch (error) {
    if (!existsSync(join(directory, 'node'))) throw error; // Nobody else was quicker.
  } finally {
    rmSync(making, { recursive: true });
  }
  return directory;
}

/** Readable by whoever the tests run as, writable by nobody else. */
export function keptNodes(): string {
  const { uid } = userInfo();
  const directory = join(tmpdir(), `pyrsia-test-nodes-${uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const stat = lstatSync(directory);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0)
    throw new Error(`${directory} is not ours alone`);
  return directory;
}
