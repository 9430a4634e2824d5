/** Each npm, on each Node that it runs on, finds what its own cache was filled with. */
import { rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeNpmDirectory } from '../support/npms.ts';
import { snapshot } from '../support/snapshot.ts';
import { type FilledWorld, openFilledWorld } from './filled-world.ts';

const specs = [
  { name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' } },
  { name: '@acme/right', version: '2.0.0', bin: { right: 'index.js' } },
  { name: 'large', version: '1.0.0', size: 3_000_000 },
];

let world: FilledWorld;
beforeAll(async () => {
  world = await openFilledWorld(specs);
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each([
  [11, 20],
  [11, 22],
  [11, 24],
  [12, 22],
  [12, 24],
])('npm %i on Node %i', (npm, node) => {
  it('asks for no package, and installs what it installs without us', { timeout: 240_000 }, async () => {
    const { sandbox, project, registry, made } = world;
    const tools = join(sandbox.root, `npm-${npm}-${node}`);
    makeNpmDirectory(tools, npm, node);
    const env = { PATH: [tools, sandbox.env['PATH']].join(delimiter) };
    const said = await sandbox.run('sh', ['-c', 'npm --version; node --version'], { env });
    expect(said.stdout).toMatch(new RegExp(`^${npm}\\..*\nv${node}\\.`));

    const modules = join(project.dir, 'node_modules');
    rmSync(modules, { recursive: true, force: true });
    sandbox.freshNpmCache();
    const direct = await sandbox.npm(['ci'], { cwd: project.dir, env });
    expect(direct.code, direct.stderr).toBe(0);
    const tree = snapshot(modules);
    rmSync(modules, { recursive: true });

    for (const args of [['ci'], ['install']]) {
      for (const fill of ['link', 'copy']) {
        const { code, stderr } = await world.again(args, { env: { ...env, PYRSIA_FILL: fill } });
        expect(code, stderr).toBe(0);
        expect(registry.log.all).toEqual([]);
        expect(snapshot(modules)).toEqual(tree);
        expect(await world.last()).toMatchObject({
          totals: { artifacts: made.length, linked: made.length },
          fill: { linked: fill === 'link' ? made.length : 0, copied: fill === 'copy' ? made.length : 0 },
        });
        rmSync(modules, { recursive: true });
      }
    }
  });
});
