import { describe, expect, it } from 'vitest';
import { configuredRegistry, withResolved, writeNpm503 } from './npm-503.ts';
import { openSandbox } from './sandbox.ts';

const REGISTRY = 'http://127.0.0.1:9/npm/';
const integrity = 'sha512-x';

const resolvedOf = (path: string, locked: object) =>
  withResolved({ packages: { [path]: locked } }, REGISTRY).packages[path]?.resolved;

describe('withResolved', () => {
  it.each([
    ['a package', 'node_modules/left', 'left/-/left-1.0.0.tgz'],
    ['a scoped package', 'node_modules/@acme/right', '@acme/right/-/right-1.0.0.tgz'],
    ['a nested package', 'node_modules/a/node_modules/@b/c', '@b/c/-/c-1.0.0.tgz'],
  ])('says where %s lies', (_, path, where) => {
    expect(resolvedOf(path, { version: '1.0.0', integrity })).toBe(REGISTRY + where);
  });

  it('goes by the real name of an alias', () => {
    const locked = { name: '@acme/right', version: '2.0.0', integrity };
    expect(resolvedOf('node_modules/alias', locked)).toBe(`${REGISTRY}@acme/right/-/right-2.0.0.tgz`);
  });

  it.each([
    ['the project itself', '', { version: '1.0.0' }],
    ['a workspace', 'packages/a', { version: '1.0.0' }],
    ['a link', 'node_modules/a', { version: '1.0.0', link: true }],
    ['a bundled package', 'node_modules/a/node_modules/b', { version: '1.0.0', inBundle: true }],
  ])('leaves %s alone', (_, path, locked) => {
    expect(resolvedOf(path, locked)).toBeUndefined();
  });

  it('keeps what is resolved', () => {
    expect(resolvedOf('node_modules/a', { version: '1.0.0', resolved: 'https://example.com/a.tgz' })).toBe(
      'https://example.com/a.tgz',
    );
  });
});

describe('the project of 503 packages', { timeout: 60_000 }, () => {
  it('is resolved at the registry that npm names', async () => {
    await using sandbox = openSandbox({ registry: 'http://127.0.0.1:9/npm' });
    const project = await sandbox.project({ lockfile: 'none' });
    expect(configuredRegistry(project.dir, sandbox.env)).toBe(REGISTRY);
    writeNpm503(project.dir, REGISTRY);
    const { '': self, ...packages } = project.lockfile().packages;
    expect(self).not.toHaveProperty('resolved');
    expect(Object.keys(packages)).toHaveLength(503 + 1); // one is for macOS only
    expect(Object.values(packages).every(({ resolved }) => resolved?.startsWith(REGISTRY))).toBe(true);
  });
});
