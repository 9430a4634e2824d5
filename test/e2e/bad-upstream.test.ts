/**
 * What becomes of `npm ci` when upstream sends a tarball in every wrong way there is.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Misbehaviour, startRegistry } from '../fixtures/registry/registry.ts';
import { openWorld, type World } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

/** Short, so that silence is noticed soon; npm's own retries are as npm ships them. */
const SILENCE = '700ms';

async function world(): Promise<World> {
  const opened = await openWorld({ npmrc: { 'fetch-retries': 2 } });
  await opened.sandbox.pyrsia(['config', 'set', 'upstream.timeout', SILENCE]);
  return opened;
}

/** Publishes a package of its own for one case, and installs it while upstream misbehaves. */
async function install(
  { registry, sandbox, afresh }: World,
  name: string,
  days: readonly Misbehaviour[],
  size = 3000,
) {
  const made = await makePackage({ name, version: '1.0.0', size });
  await registry.publish(made);
  const { dir: cwd, installed } = await sandbox.project(lockedTo(registry, [made]));
  registry.behave();
  registry.log.clear();
  const path = `/${name}/-/${name}-1.0.0.tgz`;
  for (const day of days) registry.misbehave({ match: path, ...day });
  const finished = await afresh(['npm', 'ci'], { cwd });
  return {
    ...finished,
    made,
    cwd,
    installed,
    path,
    asked: registry.log.tarballs().map(({ status }) => status),
  };
}

const broken = (what: string): RegExp => new RegExp(`E424[^]*Upstream did not deliver http:\\S+tgz: ${what}`);

describe('npm ci, when upstream', { timeout: 60_000 }, () => {
  let opened: World;
  beforeAll(async () => void (opened = await world()));
  afterAll(async () => {
    expect(await opened.verify()).toMatchObject({ code: 0 });
    await opened[Symbol.asyncDispose]();
  });
  let cases = 0;

  it.each<[string, Misbehaviour[], statuses: number[]]>([
    ['closes the connection half-way, once', [{ kind: 'cut-short', times: 1 }], [200, 206]],
    ['does so and knows no ranges', [{ kind: 'cut-short', times: 1 }, { kind: 'no-ranges' }], [200, 200]],
    ['falls silent half-way, once', [{ kind: 'hang-in-body', times: 1 }], [200, 206]],
    ['answers 500, once', [{ kind: 'status', status: 500, times: 1 }], [500, 200]],
    ['asks to wait a second', [{ kind: 'status', status: 429, retryAfter: 1, times: 1 }], [429, 200]],
    ['drips for longer than it may be silent', [{ kind: 'drip', bytes: 32, everyMs: 12 }], [200]],
  ])('%s, gets the package', async (_, days, statuses) => {
    const name = `left${(cases += 1)}`;
    const { code, stderr, asked, installed } = await install(opened, name, days);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/pyrsia: 1 package · 1 upstream · 1 verified/);
    expect(installed()).toEqual({ [`node_modules/${name}`]: '1.0.0' });
    expect(asked).toEqual(statuses);
  });
});

describe('npm ci fails at once, and says why, when upstream', { timeout: 120_000 }, () => {
  const wrong =
    /E403[^]*Content from http:\S+tgz does not match its digest: expected (sha512:\w+), got sha512:\w+/;

  it('keeps its promises only by half', async () => {
    await using opened = await world();
    const cases: readonly [Misbehaviour, RegExp, requests: number][] = [
      [{ kind: 'flipped-byte' }, wrong, 1],
      [{ kind: 'cut-short-cleanly' }, wrong, 1],
      [{ kind: 'bytes-too-many' }, wrong, 1],
      [{ kind: 'wrong-length', by: -5 }, wrong, 1],
      [{ kind: 'captive-portal' }, wrong, 1],
      [{ kind: 'wrong-length', by: 5 }, broken('promised more than the \\d+ bytes that it has'), 4],
      [{ kind: 'cut-short' }, broken('connection closed before the answer was complete'), 4],
      [{ kind: 'hang-in-body' }, broken('nothing more for 0.7 s'), 4],
      [{ kind: 'status', status: 500 }, broken('status 500'), 3],
      [{ kind: 'status', status: 429, retryAfter: 3600 }, broken('status 429, Retry-After: 3600'), 1],
      [{ kind: 'redirect-loop' }, broken('more than 10 redirects'), 11],
      [{ kind: 'huge-header' }, broken('reply headers too large'), 1],
    ];
    const all: Package[] = [];
    for (const [index, [day, says, requests]] of cases.entries()) {
      const name = `left${index}`;
      const { code, stderr, made, asked, installed } = await install(opened, name, [day]);
      const about = `${JSON.stringify(day)}\n${stderr}`;
      expect(code, about).toBe(1);
      expect(stderr, about).toMatch(says);
      if (says === wrong) expect(wrong.exec(stderr)?.[1]).toBe(digestOf(made.tarball, 'sha512'));
      expect(asked, about).toHaveLength(requests);
      expect(installed, about).toThrow('ENOENT');
      const receipt = await opened.last();
      const outcome = says === wrong ? 'refused' : 'unavailable';
      expect(receipt.artifacts, about).toMatchObject([{ purl: `pkg:npm/${name}@1.0.0`, outcome }]);
      expect(receipt.artifacts[0]?.reason).toMatch(/^(Content from|Upstream did not)/);
      expect(stderr).toMatch(/pyrsia: 1 package · 1 (REFUSED|unavailable)/);
      all.push(made);
    }
    opened.registry.behave();
    const { dir: cwd } = await opened.sandbox.project(lockedTo(opened.registry, all));
    expect(await opened.afresh(['npm', 'ci'], { cwd })).toMatchObject({ code: 0 });
    expect(await opened.verify()).toMatchObject({ code: 0 });
  });

  it('does not say one thing of one package, while the others are installed', async () => {
    await using opened = await world();
    const { registry, sandbox, afresh } = opened;
    const packages = await Promise.all(
      ['hangs', 'left', 'right'].map((name) => makePackage({ name, version: '1.0.0' })),
    );
    for (const made of packages) await registry.publish(made);
    const { dir: cwd } = await sandbox.project(lockedTo(registry, packages));
    registry.misbehave({ kind: 'hang', match: /hangs-/ });
    expect(await afresh(['npm', 'ci'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/hangs-1\.0\.0\.tgz: no answer within 0\.7 s/),
    });
    expect((await opened.status()).unreachable).toEqual([]);
    registry.behave();
    registry.log.clear();
    expect(await afresh(['npm', 'ci'], { cwd })).toMatchObject({ code: 0 });
    expect(registry.log.tarballs()).toHaveLength(1);
  });

  it('sends more than 8 MiB, of which one byte is wrong: npm gets no complete file', async () => {
    await using opened = await world();
    const { code, stderr, cwd } = await install(opened, 'large', [{ kind: 'flipped-byte' }], 9 * 2 ** 20);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/1 REFUSED[^]*expected sha512:\w+, got sha512:\w+/);
    opened.registry.behave();
    expect(await opened.afresh(['npm', 'ci'], { cwd })).toMatchObject({ code: 0 });
    expect(await opened.verify()).toMatchObject({ code: 0 });
  });

  it('always breaks off: the next npm ci goes on from there', async () => {
    await using opened = await world();
    const { registry } = opened;
    const { code, stderr, cwd, asked } = await install(opened, 'large', [{ kind: 'cut-short' }], 3 * 2 ** 20);
    expect(code).toBe(1);
    expect(stderr).toMatch(broken('connection closed before the answer was complete'));
    expect(asked).toEqual([200, 206, 206, 206]);
    registry.behave();
    registry.log.clear();
    expect(await opened.afresh(['npm', 'ci'], { cwd })).toMatchObject({ code: 0 });
    // The first reply says how large it is, and so that there is a beginning on the disk.
    expect(registry.log.tarballs()).toMatchObject([{ status: 200 }, { status: 206 }]);
    expect(registry.log.tarballs()[1]?.bytes).toBeLessThan(2 ** 20);
    expect(await opened.verify()).toMatchObject({ code: 0 });
  });
});

describe('A redirect to another host', { timeout: 60_000 }, () => {
  it('is followed without the launch’s id and without the user’s credential', async () => {
    await using opened = await world();
    const { registry, sandbox } = opened;
    await using elsewhere = await startRegistry({
      packages: ['left', 'secret'].map((name) => makePackage({ name, version: '1.0.0', size: 3000 })),
    });
    sandbox.npmrc({ [`//127.0.0.1:${registry.port}/:_authToken`]: 'the-users-token' });

    const plain = await install(opened, 'left', [{ kind: 'redirect', to: elsewhere.url }]);
    expect(plain.code, plain.stderr).toBe(0);
    expect(plain.asked).toEqual([302]);
    const { launch } = await opened.last();

    // Not for strangers: asked again with the user's own credential, and sent elsewhere with it.
    const days: Misbehaviour[] = [
      { kind: 'status', status: 401, times: 2 },
      { kind: 'redirect', to: elsewhere.url },
    ];
    const authorized = await install(opened, 'secret', days);
    expect(authorized.code, authorized.stderr).toBe(0);
    expect(authorized.asked).toEqual([401, 401, 302]);
    expect(registry.log.authorized().map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer the-users-token',
    ]);

    expect(elsewhere.log.tarballs()).toHaveLength(2);
    expect(elsewhere.log.authorized()).toEqual([]);
    const told = JSON.stringify(elsewhere.log.all.map(({ url, headers }) => [url, headers]));
    for (const id of [launch, (await opened.last()).launch, 'the-users-token'])
      expect(told).not.toContain(id);
  });
});
