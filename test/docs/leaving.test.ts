import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openWorld } from '../e2e/everyday-world.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { snapshot } from '../support/snapshot.ts';
import { blocks } from './markdown.ts';

/** What the README says under "Leave"; test/e2e/install.test.ts does the second line. */
const [leave = '', remove] = blocks('README.md', 'sh')
  .find((block) => block.includes('uninstall'))!
  .split('\n');

it('Leaving as the README says leaves nothing of ours', { timeout: 120_000 }, async () => {
  await using world = await openWorld({
    packages: [makePackage({ name: 'left', version: '1.0.0' })],
    public: false,
  });
  const { sandbox, registry } = world;
  const { dir: cwd } = await sandbox.project({ dependencies: { left: '1.0.0' } });
  expect(remove).toBe('npm uninstall --global pyrsia');
  const before = snapshot(sandbox.root);

  const env = { SHELL: '/bin/bash' };
  const pyrsia = async (...args: string[]) =>
    expect(await sandbox.pyrsia(args, { cwd, env }), args.join(' ')).toMatchObject({ code: 0 });
  await pyrsia('shim', 'install', 'npm', 'npx');
  await pyrsia('config', 'set', 'npm.public', registry.url);
  await pyrsia('exec', '--', 'npm', 'ci');
  await pyrsia('pull', 'npm:left', '-o', join(sandbox.root, 'left.tgz'));
  await pyrsia('agent', 'stop');
  await pyrsia('exec', '--', 'npm', 'ci');
  expect(existsSync(join(sandbox.env['XDG_STATE_HOME']!, 'pyrsia', 'last.json'))).toBe(true);

  const [, ...words] = leave.split(' ');
  await pyrsia(...words, '--yes');
  const after = Object.entries(snapshot(sandbox.root));
  // What the user asked for, and what npm keeps of its own.
  const theirs = new RegExp(`^\\./(left\\.tgz|npm-\\d+/|${cwd.slice(sandbox.root.length + 1)}/node_modules)`);
  expect(Object.fromEntries(after.filter(([name]) => !theirs.test(name)))).toEqual(before);
  expect(sandbox.processes()).toEqual([]);
});
