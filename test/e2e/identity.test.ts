/**
 * Integrity is not identity: whose word it takes that bytes are what a name says, on the real npm.
 *
 * @module
 */
import { chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { Explanation } from '../../src/resolve/explain.ts';
import { makePackage, type PackageSpec } from '../fixtures/registry/package.ts';
import { openWorld, type World } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

const sha512 = (bytes: Uint8Array): string => digestOf(bytes, 'sha512');

/** A world whose upstream has one package, and a project locked to it. */
async function worldWith(spec: Partial<PackageSpec> = {}) {
  const made = await makePackage({ name: 'left', version: '1.0.0', ...spec });
  const world = await openWorld({ npmrc: { 'fetch-retries': 2 }, packages: [made] });
  const project = await world.sandbox.project(lockedTo(world.registry, [made]));
  const ci = async (env: Record<string, string> = {}) =>
    world.afresh(['npm', 'ci'], { cwd: project.dir, env });
  return { ...world, made, project, ci, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const why = ({ json }: Pick<World, 'json'>, reference: string) =>
  json<readonly Explanation[]>(['why', reference]);

/** A lockfile that says of lodash what is true of evil, which is cached. */
async function disguise() {
  const world = await worldWith({ name: 'evil' });
  expect(await world.ci()).toMatchObject({ code: 0 });
  const lodash = await makePackage({ name: 'lodash', version: '4.17.21' });
  await world.registry.publish(lodash);
  const { integrity = '' } = world.made.dist;
  const { dir: cwd, installed } = await world.sandbox.project(
    lockedTo(world.registry, [lodash], { integrity }),
  );
  world.registry.log.clear();
  const install = async (env: Record<string, string> = {}) => world.afresh(['npm', 'ci'], { cwd, env });
  return { ...world, lodash, installed, install };
}

describe('A lockfile that gives one package the digest of another', { timeout: 60_000 }, () => {
  it('fails, naming both, and nothing of it is cached as what it is not', async () => {
    await using world = await disguise();
    const { registry, sandbox, made, lodash, install } = world;
    const [right, wrong] = [lodash, made].map(({ tarball }) => sha512(tarball));
    const { code, stderr } = await install();
    expect(code).toBe(1);
    expect(stderr).toContain(
      `Refused pkg:npm/lodash@4.17.21: expected ${right} (the registry), got ${wrong} (the lockfile). ` +
        'If the registry can be trusted, the lockfile has to be repaired',
    );
    expect(stderr).toMatch(/E403[^]*pyrsia: 1 package · 1 REFUSED/);
    expect(registry.log.tarballs()).toEqual([]);

    const [explained] = await why(world, 'npm:lodash@4.17.21');
    expect(explained).toMatchObject({ digests: [], word: 'unknown' });
    expect(await sandbox.pyrsia(['cache', 'ls', '--json'])).not.toMatchObject({
      stdout: expect.stringContaining('lodash'),
    });
    // A lockfile is nobody that could change what the registry says.
    const accept = ['trust', 'accept', 'npm:lodash@4.17.21', '--reason', 'why not'];
    expect(await sandbox.pyrsia(accept)).toMatchObject({ code: 5 });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('fails also where the right bytes were seen before, and could not be accepted then either', async () => {
    await using world = await disguise();
    const { sandbox, install } = world;
    expect(await sandbox.pyrsia(['pull', 'npm:lodash@4.17.21'])).toMatchObject({ code: 0 });
    const { code, stderr } = await install();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /expected sha512:\w+ \(the (registry|bytes seen before)\), got sha512:\w+ \(the lockfile\)/,
    );
    expect(stderr).not.toContain('trust accept');
    const accept = ['trust', 'accept', 'npm:lodash@4.17.21', '--reason', 'why not'];
    expect(await sandbox.pyrsia(accept)).toMatchObject({ code: 5 });
  });

  it('is told as a mere claim offline, and refused where policy asks for more', async () => {
    await using world = await disguise();
    const { registry, install, installed } = world;
    for (const policy of ['locked', 'strict']) {
      const { code, stderr } = await install({ PYRSIA_OFFLINE: '1', PYRSIA_POLICY: policy });
      expect(code).toBe(1);
      expect(stderr).toContain(
        `Refused pkg:npm/lodash@4.17.21: policy ${policy} asks for more than "claimed"`,
      );
      expect(stderr).toMatch(/E403[^]*1 REFUSED/);
      expect(installed).toThrow('ENOENT');
    }
    const { code, stderr } = await install({ PYRSIA_OFFLINE: '1' });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      '1 package · 1 cache · 1 named by the lockfile only · offline: PYRSIA_OFFLINE=1',
    );
    expect((await world.last()).artifacts).toMatchObject([
      { word: 'claimed', by: 'the lockfile', rung: 'none' },
    ]);
    expect(registry.log.all).toEqual([]);

    // It has left no trace that could be taken for a word: online it is refused.
    expect(await install()).toMatchObject({ code: 1, stderr: expect.stringContaining('(the registry)') });
  });
});

describe('A version that the registry knows by its shasum only', { timeout: 60_000 }, () => {
  it('is installed, called weak, and refused under strict until it was seen', async () => {
    await using world = await worldWith({ shasumOnly: true });
    const refused = await world.ci({ PYRSIA_POLICY: 'strict' });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('policy strict asks for more than'),
    });
    expect(refused.stderr).toContain('E403');

    const { code, stderr } = await world.ci();
    expect(code, stderr).toBe(0);
    expect((await world.last()).artifacts).toMatchObject([{ word: 'declared', weak: true }]);
    const [explained] = await why(world, 'npm:left@1.0.0');
    expect(explained?.digests).toEqual([
      { digest: digestOf(world.made.tarball, 'sha256'), weak: false },
      { digest: digestOf(world.made.tarball, 'sha1'), weak: true },
    ]);
    expect((await world.sandbox.pyrsia(['why', 'npm:left@1.0.0'])).stdout).toMatch(/sha1:\w+ \(weak\)/);

    // From the first use on there is a digest that cannot be collided.
    expect(await world.ci({ PYRSIA_POLICY: 'strict' })).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  /** @see https://shattered.io: two beginnings of 320 bytes with one SHA-1. */
  it('is refused when other bytes come whose SHA-1 is the same', async () => {
    const [first, second] = collision();
    expect(digestOf(first, 'sha1')).toBe(digestOf(second, 'sha1'));
    await using world = await worldWith({ shasumOnly: true, tarball: first });
    const { registry, sandbox } = world;
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'])).toMatchObject({ code: 0 });
    expect(await sandbox.pyrsia(['cache', 'rm', '--yes', 'left'])).toMatchObject({ code: 0 });
    registry.replaceTarball('left', '1.0.0', second, { redeclare: false });
    const { code, stderr } = await sandbox.pyrsia(['pull', 'npm:left@1.0.0']);
    expect(code).toBe(3);
    expect(stderr).toContain(digestOf(first, 'sha256'));
    expect(stderr).toContain(digestOf(second, 'sha256'));
  });
});

describe('An empty tarball', { timeout: 60_000 }, () => {
  it('is content like any other; what npm makes of it is the same as without us', async () => {
    await using world = await worldWith({ tarball: new Uint8Array() });
    const { sandbox, registry, project } = world;
    sandbox.freshNpmCache();
    const without = await sandbox.npm(['ci'], { cwd: project.dir });
    registry.log.clear();
    for (const source of ['upstream', 'cache']) {
      const { code, stderr } = await world.ci();
      expect(code, stderr).toBe(without.code);
      const [line] = (await world.last()).artifacts;
      expect(line).toMatchObject({
        outcome: 'delivered',
        source,
        bytes: 0,
        digest: digestOf(new Uint8Array(), 'sha256'),
      });
    }
    expect(registry.log.tarballs()).toHaveLength(1);
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0', '-o', 'empty.tgz'])).toMatchObject({ code: 0 });
    expect(readFileSync(`${sandbox.home}/empty.tgz`)).toHaveLength(0);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

describe('A version whose bytes were seen before', { timeout: 120_000 }, () => {
  const accept = ['trust', 'accept', 'npm:left@1.0.0', '--reason', 'restored from a backup'];

  it.each([
    ['with its documents', true],
    ['behind the back of its documents', false],
  ])('is refused when upstream has others %s, until a human accepts them', async (_, redeclare) => {
    await using world = await worldWith();
    const { registry, sandbox, made, afresh } = world;
    const right = await makePackage({ name: 'right', version: '1.0.0' });
    await registry.publish(right);
    expect(await world.ci()).toMatchObject({ code: 0 });
    expect(await sandbox.pyrsia(['cache', 'rm', '--yes', 'left'])).toMatchObject({ code: 0 });
    const other = await makePackage({ name: 'left', version: '1.0.0', files: { 'evil.js': 'steal()' } });
    registry.replaceTarball('left', '1.0.0', other.tarball, { redeclare });

    // A fresh resolve asks the packument first, and so npm names what it says now.
    const fresh = await sandbox.project({
      dependencies: { left: '1.0.0', right: '1.0.0' },
      lockfile: 'none',
    });
    const refused = await afresh(['npm', 'i'], { cwd: fresh.dir });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/E403[^]*REFUSED/);
    const by = redeclare ? 'the registry' : 'the bytes that came';
    const [before, now] = [made, other].map(({ tarball }) =>
      digestOf(tarball, redeclare ? 'sha512' : 'sha256'),
    );
    expect(refused.stderr).toContain(
      `Refused pkg:npm/left@1.0.0: expected ${before} (the bytes seen before), got ${now} (${by}).`,
    );
    expect(refused.stderr).toContain(
      'If the change is legitimate: pyrsia trust accept pkg:npm/left@1.0.0 --reason "why it is"',
    );

    const pulled = await sandbox.pyrsia(['pull', 'npm:left@1.0.0']);
    expect(pulled.code).toBe(3);
    for (const digest of [before, now]) expect(pulled.stderr).toContain(digest);
    expect((await world.last()).artifacts).toMatchObject([{ outcome: 'refused' }]);

    const unaffected = await sandbox.project(lockedTo(registry, [right]));
    expect(await afresh(['npm', 'ci'], { cwd: unaffected.dir })).toMatchObject({ code: 0 });

    expect(await sandbox.pyrsia(accept)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Accepted .*left@1\.0\.0 as sha/),
    });
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'])).toMatchObject({ code: 0 });
    const [explained] = await why(world, 'npm:left@1.0.0');
    expect(explained).toMatchObject({ accepted: 'restored from a backup' });
    expect(explained?.digests.map(({ digest }) => digest)).toContain(digestOf(other.tarball, 'sha256'));
    if (redeclare) expect(await afresh(['npm', 'i'], { cwd: fresh.dir })).toMatchObject({ code: 0 });

    // The bytes accepted are protected as the first ones were.
    expect(await sandbox.pyrsia(['cache', 'rm', '--yes', 'left'])).toMatchObject({ code: 0 });
    registry.replaceTarball('left', '1.0.0', right.tarball, { redeclare });
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/expected sha\d+:\w+ \(the bytes seen before\)/),
    });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('is refused also while they are cached, where the registry declares others', async () => {
    await using world = await worldWith();
    const { registry, sandbox, made, afresh } = world;
    expect(await world.ci()).toMatchObject({ code: 0 });
    const other = await makePackage({ name: 'left', version: '1.0.0', files: { 'evil.js': 'steal()' } });
    registry.replaceTarball('left', '1.0.0', other.tarball);
    registry.log.clear();

    const fresh = await sandbox.project({ dependencies: { left: '1.0.0' }, lockfile: 'none' });
    const refused = await afresh(['npm', 'i'], { cwd: fresh.dir });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `expected ${sha512(made.tarball)} (the bytes seen before), got ${sha512(other.tarball)} (the registry)`,
    );
    expect(registry.log.tarballs()).toEqual([]);
    expect(await sandbox.pyrsia(['pull', 'npm:left@^1'])).toMatchObject({ code: 3 });

    // Who has a lockfile from before goes on with what it names.
    expect(await world.ci()).toMatchObject({ code: 0 });
    expect(registry.log.tarballs()).toEqual([]);

    expect(await sandbox.pyrsia(accept)).toMatchObject({ code: 0 });
    expect(await afresh(['npm', 'i'], { cwd: fresh.dir })).toMatchObject({ code: 0 });
    expect(existsSync(`${fresh.dir}/node_modules/left/evil.js`)).toBe(true);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('was never seen where the registry’s own word is wrong from the start', async () => {
    await using world = await worldWith();
    const { registry, sandbox, made, afresh } = world;
    registry.misbehave({ kind: 'redeclared' });
    const fresh = await sandbox.project({ dependencies: { left: '1.0.0' }, lockfile: 'none' });
    const { code, stderr } = await afresh(['npm', 'i'], { cwd: fresh.dir });
    expect(code).toBe(1);
    const declared = sha512(Buffer.from('other bytes'));
    expect(stderr).toContain(`does not match its digest: expected ${declared}, got ${sha512(made.tarball)}`);
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'])).toMatchObject({ code: 3 });

    registry.behave();
    expect(await afresh(['npm', 'i'], { cwd: fresh.dir })).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

describe('A file of the cache', { timeout: 60_000 }, () => {
  it.each<[string, 0 | 1, (path: string) => void]>([
    ['in which a byte was flipped', 1, (path) => writeFileSync(path, flipped(readFileSync(path)))],
    ['that was truncated', 1, (path) => truncateSync(path, 100)],
    ['that was deleted', 0, (path) => rmSync(path)],
  ])('%s is fetched anew, never served, and found by verify', async (_, found, damage) => {
    await using world = await worldWith();
    const { registry, sandbox, made, json } = world;
    expect(await world.ci()).toMatchObject({ code: 0 });
    const { stdout: path } = await sandbox.pyrsia(['cache', 'path', 'npm:left@1.0.0']);
    const harm = (): void => {
      chmodSync(path.trim(), 0o644);
      damage(path.trim());
    };

    harm();
    registry.log.clear();
    for (const [source, requests] of [
      ['upstream', 1],
      ['cache', 1],
    ] as const) {
      const { code, stderr } = await world.ci();
      expect(code, stderr).toBe(0);
      expect((await world.last()).artifacts).toMatchObject([
        { source, digest: digestOf(made.tarball, 'sha256') },
      ]);
      expect(registry.log.tarballs()).toHaveLength(requests);
    }
    expect(readFileSync(path.trim())).toEqual(Buffer.from(made.tarball));

    harm();
    const verified = await sandbox.pyrsia(['cache', 'verify']);
    expect(verified.code).toBe(found);
    if (found)
      expect(verified.stdout).toMatch(
        /Damaged, removed: pkg:npm\/left@1\.0\.0 \(expected sha256:\w+, found sha256:\w+\)/,
      );
    expect((await json<Verification>(['cache', 'verify'])).damaged).toEqual([]);
    expect(await world.ci()).toMatchObject({ code: 0 });
    expect(registry.log.tarballs()).toHaveLength(2);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte));
}

function collision(): readonly [Uint8Array, Uint8Array] {
  const same =
    '255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f486569676874203320302052' +
    '2f547970652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f725370616365203720' +
    '3020522f4c656e6774682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe002453' +
    '48412d3120697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01';
  const blocks = [
    '7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972' +
      '722fe7ad728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874' +
      'cd0c78305a21566461309789606bd0bf3f98cda8044629a1',
    '7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96a' +
      'c22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864' +
      '790c782c76215660dd309791d06bd0af3f98cda4bc4629b1',
  ];
  const [first, second] = blocks.map((block) => Buffer.from(same + block, 'hex'));
  return [first!, second!];
}
