/**
 * Other versions of npm, from the registry that npm is configured with. They are kept for the next run.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { keptNodes, nodeDirectory } from './nodes.ts';

/** Makes `directory` one for the PATH, with the latest npm of one major version in it, and a Node to run it. */
export function makeNpmDirectory(directory: string, npmMajor: number, nodeMajor: number): void {
  mkdirSync(directory, { recursive: true });
  symlinkSync(join(nodeDirectory(nodeMajor), 'node'), join(directory, 'node'));
  symlinkSync(join(npmPackage(npmMajor), 'bin', 'npm-cli.js'), join(directory, 'npm'));
}

function npmPackage(major: number): string {
  const kept = keptNodes();
  const directory = join(kept, `npm-${major}`);
  if (existsSync(directory)) return directory;
  const making = mkdtempSync(join(kept, 'making-'));
  try {
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
    execFileSync('npm', ['install', '--prefix', making, ...options, `npm@${major}`], { stdio: 'pipe' });
    renameSync(join(making, 'node_modules', 'npm'), directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // Nobody else was quicker.
  } finally {
    rmSync(making, { recursive: true });
  }
  return directory;
}
