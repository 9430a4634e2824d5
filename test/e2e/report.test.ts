/** What is told about a launch and about the cache, and that it all adds up. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/resolve/explain.ts';
import { totals } from '../../src/resolve/receipt.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What docs/report.md promises of a line. */
const line = {
  launch: expect.stringMatching(/^[0-9a-f-]{36}$/),
  purl: expect.stringMatching(/^pkg:npm\//),
  outcome: 'delivered',
  digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  bytes: expect.any(Number),
  source: expect.stringMatching(/^(cache|upstream)$/),
  via: 'response',
  word: 'declared',
  by: expect.stringMatching(/^the /),
  rung: 'registry digest',
  upstream: 'npm',
  private: false,
  ms: expect.any(Number),
  at: expect.any(Number),
};

let world: World;
let project: Project;
let made: readonly Package[];

beforeAll(async () => {
  made = await Promise.all([
    makePackage({ name: '@acme/right', version: '2.0.0', tags: ['latest'] }),
    makePackage({ name: '@acme/right', version: '2.1.0-beta.1', tags: ['beta'] }),
    makePackage({ name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' }, tags: [] }),
    makePackage({ name: 'left', version: '1.2.0', size: 100_000 }),
    makePackage({ name: 'old', version: '1.0.0', shasumOnly: true }),
  ]);
  world = await openWorld({ packages: made });
  project = await world.sandbox.project({ dependencies: { left: '1.0.0' } });
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.registry.log.clear());

describe('$PYRSIA_REPORT', { timeout: 60_000 }, () => {
  it('has one line for each artifact when npm returns, and the receipt is their sum', async () => {
    const { sandbox } = world;
    const file = join(project.dir, 'report.jsonl');
    // The shell looks at it at once; the path is relative to where the command runs.
    const command = ['sh', '-c', 'npm ci >&2 && cat report.jsonl'];
    const ran = await world.afresh(command, { cwd: project.dir, env: { PYRSIA_REPORT: 'report.jsonl' } });
    expect(ran.code, ran.stderr).toBe(0);
    const lines = ran.stdout
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as ReportLine & { launch: string });
    expect(lines).toHaveLength(2);
    for (const each of lines) expect(each).toEqual(line);
    const byPurl = lines.toSorted((a, b) => a.purl.localeCompare(b.purl));
    expect(byPurl.map(({ purl, digest, bytes }) => [purl, digest, bytes])).toEqual(
      [made[0]!, made[2]!].map(({ name, version, tarball }) => [
        `pkg:npm/${name.replace('@', '%40')}@${version}`,
        sha256(tarball),
        tarball.byteLength,
      ]),
    );

    const receipt = await world.last();
    expect(receipt.artifacts).toEqual(lines.map(({ launch, ...rest }) => launch && rest));
    expect(receipt.launch).toBe(lines[0]!.launch);
    expect(receipt.totals).toEqual(totals(lines));
    expect(receipt.totals).toMatchObject({ artifacts: 2, upstream: 2, cache: 0, verified: 2, saved: 0 });
    expect(receipt).toMatchObject({ cwd: project.dir, policy: 'observe', notes: [] });
    const [said] = ran.stderr.match(/^pyrsia: .*$/m)!;
    expect(said).toMatch(
      /^pyrsia: 2 packages · 2 upstream · 2 verified · \d+ B · [\d.]+ m?s {2}\(pyrsia why last\)$/,
    );

    await world.afresh(['npm', 'ci'], { cwd: project.dir, env: { PYRSIA_REPORT: file } });
    expect(sandbox.readReport(file)).toHaveLength(4); // appended
    expect(await world.last()).toMatchObject({ totals: { cache: 2, saved: receipt.totals.bytes } });
  });

  it('tells of what could not be had', async () => {
    const { sandbox, registry } = world;
    registry.misbehave({ kind: 'status', status: 404, match: /left-1\.2\.0\.tgz$/ });
    const broken = await sandbox.project({ dependencies: { left: '1.2.0' } });
    const env = { PYRSIA_REPORT: sandbox.reportFile };
    const ran = await world.afresh(['npm', 'ci'], { cwd: broken.dir, env });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('1 not found') });
    expect(sandbox.readReport()).toMatchObject([
      { purl: 'pkg:npm/left@1.2.0', outcome: 'not found', word: 'unknown' },
    ]);
    registry.behave();
  });

  it('that cannot be written does no harm, and a line says so', async () => {
    const env = { PYRSIA_REPORT: '/proc/nowhere/report' };
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pyrsia: .*report could not be written/m);
  });
});

describe('pyrsia why', { timeout: 60_000 }, () => {
  it('explains a launch, a reference and a digest', async () => {
    const { sandbox } = world;
    await world.afresh(['npm', 'ci'], { cwd: project.dir });
    const { stdout } = await sandbox.pyrsia(['why', 'last']);
    expect(stdout).toContain('npm ci');
    expect(stdout).toContain('2 packages · 2 cache · 2 verified');
    expect(stdout).toMatch(/pkg:npm\/left@1\.0\.0 +cache +\d+ B +declared by/);

    const digest = sha256(made[2]!.tarball);
    const expected = {
      purl: 'pkg:npm/left@1.0.0',
      upstream: 'npm',
      private: false,
      word: 'declared',
      allowed: true,
      size: made[2]!.tarball.byteLength,
    };
    for (const what of ['npm:left@1.0.0', 'pkg:npm/left@1.0.0', digest]) {
      const [explanation] = await world.json<Explanation[]>(['why', what]);
      expect(explanation, what).toMatchObject(expected);
      expect(explanation!.digests).toContainEqual({ digest, weak: false });
      expect(explanation!.asked[0]).toMatchObject({ source: 'cache', command: ['npm', 'ci'] });
    }
    const unknown = await sandbox.pyrsia(['why', 'npm:unheard@1.0.0']);
    expect(unknown).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining('unheard') });
  });
});

describe('pyrsia pull', { timeout: 60_000 }, () => {
  it.each([
    ['a range', 'npm:left@^1', 'pkg:npm/left@1.2.0'],
    ['nothing but a name', 'npm:left', 'pkg:npm/left@1.2.0'],
    ['a version', 'npm:left@1.0.0', 'pkg:npm/left@1.0.0'],
    ['a tag of a scoped package', 'npm:@acme/right@beta', 'pkg:npm/%40acme/right@2.1.0-beta.1'],
    ['a purl', 'pkg:npm/%40acme/right@2.0.0', 'pkg:npm/%40acme/right@2.0.0'],
  ])('takes %s', async (_, reference, purl) => {
    const [pulled] = await world.json<Record<string, unknown>[]>(['pull', reference]);
    expect(pulled).toMatchObject({ purl, word: 'declared', rung: 'registry digest', upstream: 'npm' });
    expect(sha256(readFileSync(String(pulled!['path'])))).toBe(pulled!['digest']);
  });

  it('asks nobody for an exact version that is here', async () => {
    const { registry } = world;
    expect(await world.json(['pull', 'npm:left@1.2.0'])).toMatchObject([{ source: 'cache' }]);
    expect(registry.log.all).toEqual([]);
  });

  it('writes to a file, or to stdout', async () => {
    const { sandbox } = world;
    const file = join(sandbox.root, 'left.tgz');
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.2.0', '-o', file])).toMatchObject({ code: 0 });
    expect(readFileSync(file).equals(made[3]!.tarball)).toBe(true);
    const piped = await sandbox.run('sh', [
      '-c',
      '"$@" > "$0"',
      `${file}.2`,
      ...sandbox.pyrsiaCommand(['pull', 'npm:left@1.2.0', '-o', '-']),
    ]);
    expect(piped).toMatchObject({ code: 0, stderr: expect.stringContaining('pkg:npm/left@1.2.0') });
    expect(readFileSync(`${file}.2`).equals(made[3]!.tarball)).toBe(true);
  });

  it.each([
    ['a package that is not there', 'npm:unheard', 5],
    ['a version that is not there', 'npm:left@9.9.9', 5],
    ['a range that nothing fits', 'npm:left@^9', 5],
    ['a tag that is not there', 'npm:left@nightly', 5],
    ['anything for what is no reference', 'npm:../left', 2],
  ])('does not find %s', async (_, reference, code) => {
    const { sandbox } = world;
    const failed = await sandbox.pyrsia(['pull', reference, '--json']);
    expect(failed.code, failed.stdout + failed.stderr).toBe(code);
    const plain = await sandbox.pyrsia(['pull', reference]);
    expect(plain).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^pyrsia: [A-Z]/) });
  });
});

describe('pyrsia cache', { timeout: 60_000 }, () => {
  it('lists what installs brought, by name, and says whether that is enough offline', async () => {
    const { sandbox } = world;
    const listed = await world.json<Record<string, unknown>[]>(['cache', 'ls', '--sort', 'name']);
    const purls = listed.map(({ purl }) => purl);
    expect(purls).toEqual([
      'pkg:npm/%40acme/right@2.0.0',
      'pkg:npm/%40acme/right@2.1.0-beta.1',
      'pkg:npm/left@1.0.0',
      'pkg:npm/left@1.2.0',
    ]);
    for (const each of listed) expect(each).toMatchObject({ private: false, offline: true, upstream: 'npm' });
    const some = await world.json<Record<string, unknown>[]>(['cache', 'ls', '@acme/*']);
    expect(some.map(({ name }) => name)).toEqual(['@acme/right', '@acme/right']);
    const { stdout } = await sandbox.pyrsia(['cache', 'ls']);
    expect(stdout).toContain(`${made[0]!.tarball.byteLength} B`);
    const size = await world.json<{ bytes: number }>(['cache', 'size']);
    const content = made.slice(0, 4).reduce((sum, { tarball }) => sum + tarball.byteLength, 0);
    expect(size.bytes).toBeGreaterThanOrEqual(content);
    expect(await sandbox.pyrsia(['cache', 'path'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(sandbox.env['XDG_CACHE_HOME']!),
    });
    const info = await world.json<unknown>(['cache', 'info', 'npm:left@1.2.0']);
    expect(JSON.stringify(info)).toContain(sha256(made[3]!.tarball));
  });

  it('drops what is no longer wanted, which is then fetched again', async () => {
    const { sandbox, registry } = world;
    const removed = await sandbox.pyrsia(['cache', 'rm', 'npm:left@1.2.0', '--yes', '--json']);
    expect(removed.code, removed.stderr).toBe(0);
    expect(await world.json(['pull', 'npm:left@1.2.0'])).toMatchObject([{ source: 'upstream' }]);
    expect(registry.log.tarballs()).toHaveLength(1);
    expect(await world.json<object>(['cache', 'gc'])).toBeTypeOf('object');
    expect(await world.json<object>(['cache', 'verify'])).toBeTypeOf('object');
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { cache: 2 } });
  });
});

describe('the agent', { timeout: 60_000 }, () => {
  it('shows its status and its log, follows the configuration at the next launch, and stops', async () => {
    const { sandbox, registry } = world;
    const before = await world.status();
    expect(before).toMatchObject({
      running: true,
      pid: expect.any(Number),
      version: expect.any(String),
      launches: 0,
    });
    expect(Object.keys(before.ports!)).toEqual([registry.url]);
    expect((await sandbox.pyrsia(['agent', 'logs'])).stdout).toContain(`${before.pid} Started pyrsia`);

    // `strict` wants more than the SHA-1 that is all that is declared of a very old package.
    const old = await sandbox.project({ dependencies: { old: '1.0.0' } });
    expect(await sandbox.pyrsia(['config', 'set', 'policy', 'strict'])).toMatchObject({ code: 0 });
    const refused = await world.afresh(['npm', 'ci'], { cwd: old.dir });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('1 REFUSED') });
    expect(refused.stderr).toContain('Refused pkg:npm/old@1.0.0: policy strict');
    expect(await world.last()).toMatchObject({ policy: 'strict', totals: { refused: 1 } });
    expect(await sandbox.pyrsia(['config', 'unset', 'policy'])).toMatchObject({ code: 0 });
    expect(await world.afresh(['npm', 'ci'], { cwd: old.dir })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ policy: 'observe', artifacts: [{ weak: true }] });
    expect((await world.status()).pid).toBe(before.pid);

    expect(await sandbox.pyrsia(['agent', 'stop'])).toMatchObject({ code: 0 });
    expect(await sandbox.pyrsia(['agent', 'status', '--json'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"running": false'),
    });
    expect(sandbox.processes()).toEqual([]);

    registry.log.clear();
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(registry.log.all).toEqual([]);
    const after = await world.status();
    expect(after.pid).not.toBe(before.pid);
    expect(after.ports).toEqual(before.ports);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

describe('a policy', { timeout: 60_000 }, () => {
  it('that is set for one command holds for that one', async () => {
    const env = { PYRSIA_POLICY: 'strict' };
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir, env })).toMatchObject({ code: 0 });
    const { policy }: Receipt = await world.last();
    expect(policy).toBe('strict');
  });
});
