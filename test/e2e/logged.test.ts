/**
 * A log in the path of every fetch, with the real npm and mvn: what it knows is fetched by its digest, what contradicts it is
 * refused.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexOf, digestOf } from '../../src/content/digest.ts';
import type { Explained } from '../../src/commands/why.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import type { Project } from '../support/project.ts';
import { type ServedLog, serveLog } from '../trust/served-log.ts';
import { openWorld, type World } from './everyday-world.ts';
import { believe, lockedTo } from './locked.ts';
import { mvn, openMavenWorld } from './maven-world.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;
const sha256 = (bytes: Uint8Array): string => hexOf(digestOf(bytes, 'sha256'));

describe('npm, where a log is believed', { timeout: 120_000 }, () => {
  let world: World;
  let log: ServedLog;
  let packages: readonly Package[];
  let project: Project;
  let victim: Project;
  let before: Project;
  const ci = async (env: Readonly<Record<string, string>> = {}, dir = project.dir) =>
    world.afresh(['npm', 'ci'], { cwd: dir, env });
  const [left, right, evil, curled, seen] = [0, 1, 2, 3, 4];
  const made = (which: number): Package => packages[which]!;

  beforeAll(async () => {
    packages = await Promise.all(
      ['left', 'right', 'evil', 'curled', 'seen'].map(async (name) =>
        makePackage({ name, version: '1.0.0' }),
      ),
    );
    world = await openWorld({ packages });
    log = await serveLog();
    log.append([
      { purl: 'pkg:npm/left@1.0.0', bytes: sha256(made(left).tarball) },
      { purl: 'pkg:npm/curled@1.0.0', bytes: sha256(made(curled).tarball) },
    ]);
    log.append([{ purl: 'pkg:npm/evil@1.0.0', bytes: 'what others were given' }]);
    log.append([{ purl: 'pkg:npm/seen@1.0.0', bytes: 'what others were given' }]);
    project = await world.sandbox.project(lockedTo(world.registry, [made(left), made(right)]));
    before = await world.sandbox.project(lockedTo(world.registry, [made(seen)]));
    victim = await world.sandbox.project(lockedTo(world.registry, [made(evil)]));
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
  });

  it('is not asked before one is joined, and the receipt says so', async () => {
    expect(await ci()).toMatchObject({ code: 0, stderr: expect.stringMatching(/2 verified · \d/) });
    expect((await world.last()).log).toBeUndefined();
    expect(await ci({}, before.dir)).toMatchObject({ code: 0 });
    expect(await ci({ PYRSIA_FILL: 'link' }, before.dir)).toMatchObject({ code: 0 });
    expect((await world.last()).totals).toMatchObject({ linked: 1 });
    const { stdout } = await world.sandbox.pyrsia(['why', 'last']);
    expect(stdout).toMatch(/^log +no network is configured: nothing was asked$/m);
    expect(log.requests).toEqual([]);
  });

  it('says of what was installed what the log knows, and goes on with what it does not', async () => {
    await believe(world.sandbox, log);
    expect(await ci()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 verified · 1 in the log'),
    });
    const receipt = await world.last();
    expect(receipt.log).toMatchObject({ origin: 'log.example/1', size: 7, old: false });
    expect(Object.fromEntries(receipt.artifacts.map((line) => [line.purl, [line.rung, line.log]]))).toEqual({
      'pkg:npm/left@1.0.0': ['observed', { says: 'logged', entry: 0 }],
      'pkg:npm/right@1.0.0': ['registry digest', { says: 'unknown' }],
    });
    // Nobody has learned which.
    expect(
      log.requests.filter((path) => !/checkpoint$|\/tile\/|\/index\/(recent|0\/000)$/.test(path)),
    ).toEqual([]);

    // Its evidence lies beside it, since the part of the log that has it is here; nobody was asked for it.
    const kept = join(world.sandbox.env['XDG_CACHE_HOME']!, 'pyrsia', 'log');
    await expect
      .poll(() =>
        readdirSync(kept, { recursive: true })
          .map(String)
          .filter((path) => path.includes('proofs/')),
      )
      .toEqual([
        expect.stringContaining(`${sha256(made(left).tarball)}.entry`),
        expect.stringContaining(`${sha256(made(left).tarball)}.tlog-proof`),
      ]);

    log.requests.length = 0;
    expect(await ci()).toMatchObject({ code: 0, stderr: expect.stringContaining('1 in the log') });
    expect(log.requests).toEqual([]);
  });

  it('fetches what is logged by its digest, and needs no document of the registry', async () => {
    const { base, authorization, running } = await world.stay();
    world.registry.log.clear();
    const reply = await fetch(`${base}curled/-/curled-1.0.0.tgz`, { headers: { authorization } });
    expect(sha256(new Uint8Array(await reply.arrayBuffer()))).toBe(sha256(made(curled).tarball));
    expect(world.registry.log.all.map(({ path }) => path)).toEqual(['/curled/-/curled-1.0.0.tgz']);
    running.kill();
    await running.result;
  });

  it('47, 48: refuses other bytes than the log has, whoever names them, with both digests, entry and proof', async () => {
    const theirs = `sha256:${sha256(made(evil).tarball)}`;
    const logged = `sha256:${sha256(Buffer.from('what others were given'))}`;
    const { code, stderr, stdout } = await ci({}, victim.dir);
    expect(code).toBe(1);
    expect(stderr + stdout).toContain(
      `Refused pkg:npm/evil@1.0.0: expected ${logged} (the log, entry 3), got ${theirs} (the bytes that came). Proof: `,
    );
    const [, proof = ''] = /Proof: (\S+\.tlog-proof)/.exec(stderr) ?? [];
    const policy = join(world.sandbox.home, 'own.policy');
    const checked = [
      'log',
      'verify',
      proof,
      '--entry',
      proof.replace('.tlog-proof', '.entry'),
      '--policy',
      policy,
    ];
    expect(await world.sandbox.pyrsia(checked)).toMatchObject({ code: 0 });

    const pulled = await world.sandbox.pyrsia(['pull', 'npm:evil@1.0.0']);
    expect([pulled.code, pulled.stderr]).toEqual([
      3,
      expect.stringContaining(`expected ${logged} (the log, entry 3)`),
    ]);
    const accept = ['trust', 'accept', 'npm:evil@1.0.0', '--reason', 'they said so'];
    expect(await world.sandbox.pyrsia(accept)).toMatchObject({ code: 5 });
  });

  it('47: does not link what was here before, where the log contradicts it: it is refused', async () => {
    // One that has looked nothing up yet.
    expect(await world.sandbox.pyrsia(['agent', 'stop'])).toMatchObject({ code: 0 });
    const { code, stderr, stdout } = await ci({ PYRSIA_FILL: 'link' }, before.dir);
    expect([code, stderr + stdout]).toEqual([
      1,
      expect.stringMatching(/Refused pkg:npm\/seen@1\.0\.0: .*the log, entry 5.*the bytes seen before/),
    ]);
    expect((await world.last()).totals).toMatchObject({ linked: 0, refused: 1 });
  });

  it('why shows entry, observers and proof, and with what somebody else checks it', async () => {
    const [explained] = await world.json<readonly Explained[]>(['why', 'npm:left@1.0.0']);
    expect(explained?.log).toMatchObject({
      says: 'logged',
      entry: 0,
      observers: ['org1', 'org2', 'org3', 'org4'],
      upstream: 'https://registry.example/',
      check: [expect.stringContaining('pyrsia log verify '), expect.stringContaining('go run github.com/')],
    });
    const [ours = ''] = explained?.log.check ?? [];
    const words = ours.split(' ').slice(1);
    expect(await world.sandbox.pyrsia(words)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('entry 0'),
    });
    const { stdout } = await world.sandbox.pyrsia(['why', 'npm:right@1.0.0']);
    expect(stdout).toMatch(/^log +unknown$/m);
  });

  it('59: offline all of that holds, without a name being looked up', async () => {
    const offline = { PYRSIA_OFFLINE: '1' };
    expect(await ci(offline)).toMatchObject({ code: 0, stderr: expect.stringContaining('1 in the log') });
    const trace = join(world.sandbox.home, 'trace');
    const command = world.sandbox.pyrsiaCommand(['why', 'npm:left@1.0.0', '--json']);
    const { code, stdout } = await world.sandbox.run(
      'strace',
      ['-f', '-o', trace, '-e', 'trace=socket,connect', ...command],
      { env: offline },
    );
    expect([code, JSON.parse(stdout)[0].log.says]).toEqual([0, 'logged']);
    expect(readFileSync(trace, 'utf8')).not.toMatch(/AF_INET|resolv/);
  });

  it('54: what is private is not looked for, not even as a hash', async () => {
    await using own = await openWorld({ packages: [made(left)], public: false });
    await believe(own.sandbox, log);
    const { dir } = await own.sandbox.project(lockedTo(own.registry, [made(left)]));
    log.requests.length = 0;
    expect(await own.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({ code: 0 });
    expect(log.requests).toEqual([]);
    expect((await own.last()).artifacts).toMatchObject([{ private: true, rung: 'registry digest' }]);
    expect((await own.last()).artifacts[0]).not.toHaveProperty('log');
    const [explained] = await own.json<readonly Explained[]>(['why', 'npm:left@1.0.0']);
    expect(explained?.log).toEqual({ says: 'not asked', reason: 'private' });
    expect(log.requests).toEqual([]);
  });

  it('16, 22: does not believe a network file that was loosened, says so, and under locked refuses', async () => {
    const file = join(world.sandbox.env['XDG_CONFIG_HOME']!, 'pyrsia', 'network.policy');
    const honest = readFileSync(file, 'utf8');
    writeFileSync(file, honest.replace('group authorities 3', 'group authorities 1'));
    const observed = await ci();
    expect([observed.code, observed.stderr]).toEqual([
      0,
      expect.stringContaining('is not signed by its key'),
    ]);
    const locked = await ci({ PYRSIA_POLICY: 'locked' });
    expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('a log whose view is too old')]);
    writeFileSync(file, honest);
    expect(await ci({ PYRSIA_POLICY: 'locked' })).toMatchObject({ code: 0 });
  });
});

describe.skipIf(!hasMaven)('mvn, where a log is believed', { timeout: 480_000 }, () => {
  it('47: fetches what is logged without its checksum’s file, and refuses what contradicts the log', async () => {
    await using world = await openMavenWorld();
    await using log = await serveLog();
    const { sandbox, repository, local, through } = world;
    const of = (path: string): string => sha256(repository.files.get(path)!);
    const library = '/org/example/library/2.0/library-2.0.jar';
    const parent = '/org/example/parent/1.0/parent-1.0.pom';
    log.append([{ purl: 'pkg:maven/org.example/library@2.0', bytes: of(library) }]);
    log.append([{ purl: 'pkg:maven/org.example/parent@1.0?type=pom', bytes: of(parent) }]);
    expect(await sandbox.pyrsia(['config', 'set', 'npm.public', repository.url])).toMatchObject({ code: 0 });
    await believe(sandbox, log);
    const first = await through(mvn(local()));
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('2 in the log')]);

    log.append([{ purl: 'pkg:maven/org.example/library@2.0?type=pom', bytes: 'another' }]);
    await using other = await openMavenWorld();
    await other.sandbox.pyrsia(['config', 'set', 'npm.public', other.repository.url]);
    await believe(other.sandbox, log);
    const { code, stdout, stderr } = await other.through(mvn(other.local()));
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(
      `Refused pkg:maven/org.example/library@2.0?type=pom: expected sha256:${sha256(Buffer.from('another'))} (the log, entry 4)`,
    );
  });
});
