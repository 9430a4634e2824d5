import { globSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Paths } from '../../src/paths.ts';
import { openWorld } from '../e2e/everyday-world.ts';
import { makePackage } from '../fixtures/registry/package.ts';

it('Leaving as the README says leaves nothing of ours', { timeout: 60_000 }, async () => {
  await using world = await openWorld({ packages: [makePackage({ name: 'left', version: '1.0.0' })] });
  const { sandbox } = world;
  const { dir: cwd } = await sandbox.project({ dependencies: { left: '1.0.0' } });
  const ours = (): string[] => globSync('**/*pyrsia*', { cwd: sandbox.root });
  expect(await world.afresh(['npm', 'ci'], { cwd })).toMatchObject({ code: 0 });
  expect(await sandbox.pyrsia(['pull', 'npm:left', '-o', cwd])).toMatchObject({ code: 0 });
  expect(ours().length).toBeGreaterThan(3);

  const { paths } = await world.json<{ readonly paths: Paths }>(['status']);
  await sandbox.pyrsia(['agent', 'stop']);
  for (const path of [...Object.values(paths), join(dirname(paths.cache), 'pyrsia-compiled')])
    rmSync(path, { recursive: true, force: true });
  expect(ours().filter((path) => path !== 'run/pyrsia')).toEqual([]);
  expect(globSync('run/pyrsia/*', { cwd: sandbox.root })).toEqual([]);
});
