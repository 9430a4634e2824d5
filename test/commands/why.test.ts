import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Explanation } from '../../src/resolve/explain.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let registry: Registry;
let home: Sandbox;
beforeAll(async () => {
  const packages = [
    makePackage({ name: 'left', version: '1.0.0' }),
    makePackage({ name: 'old', version: '0.1.0', shasumOnly: true }),
    makePackage({ name: 'changing', version: '1.0.0' }),
  ];
  registry = await startRegistry({ packages });
  home = openSandbox({ registry: registry.url });
  const project = await home.project({ dependencies: { left: '1.0.0', old: '0.1.0' } });
  home.freshNpmCache();
  await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

const explained = async (what: string) =>
  JSON.parse((await home.pyrsia(['why', what, '--json'])).stdout) as Explanation[];

it('explains the last launch, artifact by artifact', async () => {
  const { stdout, code } = await home.pyrsia(['why', 'last']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^command +npm ci$/m);
  expect(stdout).toMatch(/^fetched +2 packages · 2 upstream · 2 verified · /m);
  expect(stdout).toMatch(/^pkg:npm\/left@1\.0\.0 +upstream .* declared by the registry +registry digest$/m);

  const receipt = JSON.parse((await home.pyrsia(['why', 'last', '--json'])).stdout) as Receipt;
  expect(receipt.artifacts.map(({ purl }) => purl).toSorted()).toEqual([
    'pkg:npm/left@1.0.0',
    'pkg:npm/old@0.1.0',
  ]);
});

it('explains a package, also by its digest', async () => {
  const [left] = await explained('npm:left@1.0.0');
  expect(left).toMatchObject({
    purl: 'pkg:npm/left@1.0.0',
    upstream: registry.url,
    private: true,
    word: 'declared',
    policy: 'observe',
    allowed: true,
    log: { says: 'not asked', reason: 'no network is configured' },
    asked: [{ command: ['npm', 'ci'], source: 'upstream', outcome: 'delivered' }],
  });
  expect(await explained(left!.digests[0]!.digest)).toEqual([left]);
  expect((await home.pyrsia(['why', 'npm:left'])).stdout).toMatch(
    /^evidence +registry digest\nlog +not asked: no network is configured$/m,
  );
});

it('labels a weak digest', async () => {
  const [old] = await explained('npm:old@0.1.0');
  expect(old?.digests.filter(({ weak }) => weak)).toHaveLength(1);
  expect((await home.pyrsia(['why', 'npm:old'])).stdout).toMatch(/^digest +sha1:[0-9a-f]{40} \(weak\)$/m);
});

it('shows why something was refused, and what a human accepted it for', async () => {
  await home.pyrsia(['pull', 'npm:changing@1.0.0']);
  const { tarball } = await makePackage({ name: 'changing', version: '1.0.0', files: { 'evil.js': 'boo' } });
  registry.replaceTarball('changing', '1.0.0', tarball);
  await home.pyrsia(['cache', 'rm', 'changing', '--yes']);
  const project = await home.project({ dependencies: { changing: '1.0.0' } });
  home.freshNpmCache();
  const refused = await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/pyrsia: 1 package · 1 REFUSED/);
  expect(refused.stderr).toMatch(/^pyrsia: .*changing@1\.0\.0.*sha512:.*pyrsia trust accept/m);
  expect((await home.pyrsia(['why', 'npm:changing@1.0.0'])).stdout).toMatch(/^asked +\S+ +refused +npm ci$/m);

  const accepted = await home.pyrsia(['trust', 'accept', 'npm:changing@1.0.0', '--reason', 'looked at it']);
  expect(accepted.code).toBe(0);
  const again = await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir });
  expect(again.code).toBe(0);
  expect((await explained('npm:changing@1.0.0'))[0]).toMatchObject({ accepted: 'looked at it' });
});

it('ends with 5 for what it does not know', async () => {
  const { code, stderr } = await home.pyrsia(['why', 'npm:unheard-of@1.0.0']);
  expect([code, stderr]).toEqual([5, 'pyrsia: Not found: npm:unheard-of@1.0.0 in the cache\n']);
});
