/**
 * The projects that are installed.
 *
 * @module
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lockfile } from '../../test/support/project.ts';
import { withResolved } from '../../test/support/npm-503.ts';

const root = new URL('../../', import.meta.url);

/** Each by its name: where it lies, and how many packages npm installs of it on Linux. */
export const projects = {
  'npm-503': { folder: 'test/data/npm-503', packages: 503 },
  'npm-1648': { folder: 'bench/data/npm-1648', packages: 1648 },
} as const;

export type ProjectName = keyof typeof projects;

/** Writes a project into `dir`, which is made; its lockfile names `registry`. */
export function writeLocked(name: ProjectName, dir: string, registry: string): void {
  const folder = fileURLToPath(new URL(projects[name].folder, root));
  const lockfile = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lockfile;
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(folder, 'package.json'), join(dir, 'package.json'));
  writeFileSync(
    join(dir, 'package-lock.json'),
    JSON.stringify(withResolved(lockfile, registry), undefined, 1),
  );
}

/** Writes a project without any dependency into `dir`, which is made. */
export function writeEmpty(dir: string): void {
  const manifest = { name: 'empty', version: '1.0.0' };
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  const lockfile = { ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest } };
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lockfile));
}
