/**
 * A real project of 503 packages, for whoever needs npm to work for a while: the demonstration, the
 * benchmarks and the tests. Needs nothing but Node.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LockedPackage, Lockfile } from './project.ts';

const DATA = fileURLToPath(new URL('../data/npm-503', import.meta.url));

/**
 * Writes the project into `dir`, which is made where it is missing. Its lockfile names `registry`.
 * By default that is the one npm is configured with in `dir`.
 */
export function writeNpm503(dir: string, registry?: string): void {
  mkdirSync(dir, { recursive: true });
  const lockfile = JSON.parse(readFileSync(join(DATA, 'package-lock.json'), 'utf8')) as Lockfile;
  const resolved = withResolved(lockfile, registry ?? configuredRegistry(dir));
  copyFileSync(join(DATA, 'package.json'), join(dir, 'package.json'));
  writeFileSync(join(dir, 'package-lock.json'), `${JSON.stringify(resolved, undefined, 1)}\n`);
}

/** The default registry of npm in `dir`, ending in `/`. Throws what npm complains about. */
export function configuredRegistry(dir: string, env: NodeJS.ProcessEnv = process.env): string {
  const said = execFileSync('npm', ['config', 'get', 'registry'], {
    cwd: dir,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
    shell: process.platform === 'win32',
  });
  return said.trim().replace(/\/*$/, '/');
}

/**
 * Adds to each package of a lockfile where `registry` keeps its tarball, so that npm asks for tarballs and
 * for nothing else. What a lockfile resolves already, links, bundled packages and folders stay.
 */
export function withResolved(lockfile: Lockfile, registry: string): Lockfile {
  const base = registry.replace(/\/*$/, '/');
  const packages = Object.entries(lockfile.packages).map(([path, locked]) => [
    path,
    resolve(path, locked, base),
  ]);
  return { ...lockfile, packages: Object.fromEntries(packages) as Lockfile['packages'] };
}

function resolve(path: string, locked: LockedPackage, base: string): LockedPackage {
  const { version, name = path.split('node_modules/').at(-1)! } = locked;
  if (!path.includes('node_modules/') || locked.resolved || locked.link || locked.inBundle || !version)
    return locked;
  const file = `${name.slice(name.lastIndexOf('/') + 1)}-${version}.tgz`;
  return { ...locked, resolved: `${base}${name}/-/${file}` };
}
