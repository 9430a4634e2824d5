import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { integrityOf, isDigest } from '../../src/content/digest.ts';
import type { Package } from '../fixtures/registry/package.ts';
import { tarballPath } from '../fixtures/registry/shelf.ts';
import type { Sandbox } from '../support/sandbox.ts';
import type { ServedLog } from '../trust/served-log.ts';
import type { LockedPackage, ProjectSpec } from '../support/project.ts';

/** A project whose lockfile, as npm would have written it, names these packages; `instead` is what it says of them otherwise. */
export function lockedTo(
  registry: { readonly url: string },
  packages: readonly Package[],
  instead: LockedPackage = {},
): ProjectSpec {
  const dependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  const locked = packages.map(({ name, version, dist }) => {
    const { integrity = integrityOf(sha1Of(dist.shasum)) } = dist;
    const resolved = `${registry.url}${tarballPath(name, version)}`;
    return [`node_modules/${name}`, { version, resolved, integrity, ...instead }] as const;
  });
  const root = { name: 'project', version: '1.0.0', dependencies };
  return {
    dependencies,
    lockfile: {
      name: 'project',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: Object.fromEntries<LockedPackage>([['', root], ...locked]),
    },
  };
}

function sha1Of(shasum: string) {
  const digest = `sha1:${shasum}`;
  if (!isDigest(digest)) throw new Error(`No shasum: ${shasum}`);
  return digest;
}

/** Lets the user of a sandbox believe the network of a served log, whose file is `own.policy` in the home. */
export async function believe(sandbox: Sandbox, log: ServedLog): Promise<void> {
  const file = join(sandbox.home, 'own.policy');
  writeFileSync(file, log.networkText);
  expect(await sandbox.pyrsia(['network', 'join', file])).toMatchObject({ code: 0 });
}
