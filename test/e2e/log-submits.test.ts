/**
 * What the log does not know, submitted by itself with the real npm and skopeo, and all that authorities ever receive for it.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import { keyOf } from '../../src/log/buckets.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { has, imageTools } from '../support/image-registry.ts';
import { insecure, openImageShelf, readingConf } from '../support/image-world.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { type ServedLog, serveLog } from '../trust/served-log.ts';
import { openWorld, type World } from './everyday-world.ts';
import { believe, lockedTo } from './locked.ts';

const TOKEN = 'a-token-of-the-user';

describe('What the log does not know', { timeout: 120_000 }, () => {
  let world: World;
  let log: ServedLog;
  let own: Registry;
  const packages = new Map<string, Package>();
  const made = (name: string): Package => packages.get(name)!;
  const digestOf = (name: string): string => hash('sha256', made(name).tarball, 'hex');
  const settled = async (sandbox: Sandbox = world.sandbox): Promise<void> => {
    const status = async (): Promise<AgentStatus> =>
      JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout);
    await expect.poll(async () => (await status()).submitting, { timeout: 20_000 }).toBeUndefined();
  };
  /** The package URLs that were submitted. */
  const submitted = (): string[] =>
    log.submissions.map((each) => String(JSON.parse(each.slice(each.lastIndexOf('{'))).purl)).toSorted();
  const set = async (value: string, sandbox = world.sandbox): Promise<void> =>
    expect(await sandbox.pyrsia(['config', 'set', 'log.submit', value])).toMatchObject({ code: 0 });
  const ci = async (names: readonly string[], env: Record<string, string> = {}) => {
    const { dir } = await world.sandbox.project(lockedTo(world.registry, names.map(made)));
    return world.afresh(['npm', 'ci'], { cwd: dir, env });
  };

  beforeAll(async () => {
    for (const name of ['left', 'right', 'late', 'later', 'refused', '@corp/secret', '@own/plans'])
      packages.set(name, await makePackage({ name, version: '1.0.0' }));
    const plans = made('@own/plans');
    own = await startRegistry({ packages: [plans] });
    const offered = [...packages.values()].filter((each) => each !== plans);
    world = await openWorld({ packages: offered, auth: { token: TOKEN, packages: ['@corp/secret'] } });
    const { host } = new URL(world.registry.url);
    world.sandbox.npmrc({ [`//${host}/:_authToken`]: TOKEN });
    log = await serveLog({
      bytesOf: (purl) => digestOf(decodeURIComponent(/^pkg:npm\/(.+)@/.exec(purl)![1]!)),
    });
    log.append([{ purl: 'pkg:npm/left@1.0.0', bytes: digestOf('left') }]);
    log.append([{ purl: 'pkg:npm/refused@1.0.0', bytes: 'what others were given' }]);
    await believe(world.sandbox, log);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await own.close();
    await log[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    log.requests.length = 0;
    log.submissions.length = 0;
  });

  it('is submitted to nobody until that is switched on, which no project can', async () => {
    const { dir } = await world.sandbox.project(lockedTo(world.registry, [made('left'), made('right')]));
    writeFileSync(join(dir, '.pyrsia.json'), JSON.stringify({ 'log.submit': 'on' }));
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: dir });
    expect([code, stderr]).toEqual([0, expect.stringContaining('1 in the log ·')]);
    await settled();
    expect([log.submissions, (await world.last()).submitted]).toEqual([[], undefined]);
  });

  it('is submitted after the command, once, and known to the next; the receipt says how many', async () => {
    await set('on');
    const { code, stderr } = await ci(['left', 'right', 'late']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('1 in the log · 2 submitted to it ·')]);
    await settled();
    expect(submitted()).toEqual(['pkg:npm/late@1.0.0', 'pkg:npm/right@1.0.0']);
    expect((await world.sandbox.pyrsia(['why', 'last'])).stdout).toContain('2 submitted to it');

    const again = await ci(['left', 'right', 'late']);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('3 in the log ·')]);
    await settled();
    expect(log.submissions).toHaveLength(2);
  });

  it('54: is named to nobody where it is private: of a scope’s own registry, or had with the user’s credentials', async () => {
    const { sandbox } = world;
    const { dir } = await sandbox.project({ dependencies: { '@corp/secret': '1.0.0', later: '1.0.0' } });
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: dir });
    expect([code, stderr]).toEqual([0, expect.stringContaining('1 passed with your own credentials')]);
    const plans = await sandbox.project({ dependencies: { '@own/plans': '1.0.0' }, lockfile: 'none' });
    writeFileSync(join(plans.dir, '.npmrc'), `@own:registry=${own.url}\n`);
    const pulled = await sandbox.pyrsia(['pull', 'npm:@own/plans@1.0.0'], { cwd: plans.dir });
    expect(pulled).toMatchObject({ code: 0 });
    expect((await world.last()).artifacts).toMatchObject([
      { purl: 'pkg:npm/%40own/plans@1.0.0', private: true },
    ]);
    await settled();
    expect(submitted()).toEqual(['pkg:npm/later@1.0.0']);
    const received = [...log.requests, ...log.submissions].join('\n');
    for (const name of ['@corp/secret', '@own/plans']) {
      const purl = `pkg:npm/${name.replace('@', '%40')}@1.0.0`;
      const key = Buffer.from(keyOf(purl));
      const traces = [
        name.split('/')[1]!,
        name.split('/')[0]!,
        digestOf(name),
        key.toString('hex'),
        key.toString('base64'),
      ];
      expect(traces.filter((trace) => received.includes(trace))).toEqual([]);
    }
    expect(received).not.toContain(TOKEN);
    // Only files of the log and its index were read, none of which is called after a package.
    expect(
      log.requests.filter((path) => !/\/(checkpoint|tile\/.*|index\/(recent|\d+\/\d+))$/.test(path)),
    ).toEqual([]);
  });

  it('is submitted to nobody offline, nor where the registry is not public, nor what was refused', async () => {
    expect(await ci(['later', 'right'], { PYRSIA_OFFLINE: '1' })).toMatchObject({ code: 0 });
    await settled();
    expect([log.requests, log.submissions]).toEqual([[], []]);
    expect((await ci(['refused'])).code).toBe(1);
    await settled();
    expect(log.submissions).toEqual([]);

    log.requests.length = 0;
    await using elsewhere = await openWorld({ packages: [made('right')], public: false });
    await believe(elsewhere.sandbox, log);
    await set('on', elsewhere.sandbox);
    const { dir } = await elsewhere.sandbox.project(lockedTo(elsewhere.registry, [made('right')]));
    expect(await elsewhere.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({ code: 0 });
    await settled(elsewhere.sandbox);
    expect([log.requests, log.submissions]).toEqual([[], []]);
  });

  it.skipIf(!has(...imageTools))(
    'is submitted to nobody of an image from anywhere but Docker Hub',
    async () => {
      await using shelf = await openImageShelf();
      const { registry, sandbox, layout } = shelf;
      await layout.image({ layers: [{ 'etc/plans': 'plans' }] }, 'plans');
      await shelf.push('plans', 'plans:1');
      mkdirSync(join(sandbox.env['XDG_CONFIG_HOME']!, 'pyrsia'), { recursive: true });
      await believe(sandbox, log);
      await set('on', sandbox);
      const env = readingConf(sandbox, insecure(registry.host));
      const copy = ['skopeo', 'copy', `docker://${registry.host}/plans:1`, `dir:${sandbox.root}/plans`];
      expect(await sandbox.pyrsia(['exec', '--', ...copy], { env })).toMatchObject({ code: 0 });
      await settled(sandbox);
      expect([log.requests, log.submissions]).toEqual([[], []]);
    },
  );
});
