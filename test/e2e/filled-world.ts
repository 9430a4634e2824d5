/**
 * A world whose packages have been installed once, so that npm's own cache can be filled with all of them.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { digestFromIntegrity, hexOf } from '../../src/content/digest.ts';
import { makePackage, type Package, type PackageSpec } from '../fixtures/registry/package.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World, type WorldOptions } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

/** An open world, its cache full and npm's empty. */
export interface FilledWorld extends World {
  readonly made: readonly Package[];
  /** Locked to all packages. */
  readonly project: Project;
  /** npm's own cache. */
  npmCache(): string;
  /** Runs npm in the project through us, its cache being filled. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** As {@link FilledWorld.run}, with npm's own cache empty and nothing asked yet. */
  again(args?: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The file of content in our cache, or in npm's. */
  oursOf(made: Package): string;
  npmsOf(made: Package): string;
}

/** Opens such a world. */
export async function openFilledWorld(
  specs: readonly PackageSpec[],
  options: WorldOptions = {},
): Promise<FilledWorld> {
  const made = await Promise.all(specs.map(makePackage));
  const world = await openWorld({ packages: made, ...options });
  const { sandbox, registry } = world;
  const project = await sandbox.project(lockedTo(registry, made));
  const pulled = await sandbox.pyrsia(['pull', ...made.map(({ name, version }) => `npm:${name}@${version}`)]);
  expect(pulled.code, pulled.stderr).toBe(0);
  registry.log.clear();

  const npmCache = () => sandbox.env['npm_config_cache']!;
  const run: FilledWorld['run'] = (args, { env, ...rest } = {}) =>
    world.through(['npm', ...args], { cwd: project.dir, env: { PYRSIA_FILL: 'link', ...env }, ...rest });
  return {
    ...world,
    made,
    project,
    npmCache,
    run,
    again(args = ['ci'], more = {}) {
      sandbox.freshNpmCache();
      registry.log.clear();
      return run(args, more);
    },
    oursOf({ tarball }) {
      const content = join(sandbox.env['XDG_CACHE_HOME']!, 'pyrsia', 'content', 'content-v2', 'sha256');
      return below(content, createHash('sha256').update(tarball).digest('hex'));
    },
    npmsOf: ({ dist }) => below(npmContentIn(npmCache()), hexOf(digestFromIntegrity(dist.integrity!)!)),
  };
}

function below(content: string, hex: string): string {
  return join(content, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

/** Where npm keeps content under its sha512. */
export function npmContentIn(cache: string): string {
  return join(cache, '_cacache', 'content-v2', 'sha512');
}

/** Files of npm's content whose bytes are not those of their name. */
export function unsound(cache: string): string[] {
  return globSync('*/*/*', { cwd: npmContentIn(cache) }).filter((name) => {
    const path = join(npmContentIn(cache), name);
    if (!existsSync(path) || !statSync(path).isFile()) return false;
    const bytes = readFileSync(path);
    return createHash('sha512').update(bytes).digest('hex') !== name.replaceAll('/', '');
  });
}

/** Temporary files of ours among npm's. */
export function leftovers(cache: string): string[] {
  return globSync('_cacache/tmp/pyrsia-*', { cwd: cache });
}
