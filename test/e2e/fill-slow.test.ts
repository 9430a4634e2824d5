/** npm's own cache filled from an upstream that has a bad day: npm fares as it does without that, and nobody asks more. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLine } from '../../bench/npm-ci/line.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { tarballPath } from '../fixtures/registry/shelf.ts';
import { CONNECTIONS } from '../../src/proxy/connections.ts';
import type { Finished } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';
import { unsound } from './filled-world.ts';
import { lockedTo } from './locked.ts';

const specs = Array.from({ length: 40 }, (_, n) => ({
  name: `package-${n}`,
  version: '1.0.0',
  size: 20_000,
}));
const paths = specs.map(({ name, version }) => `/${tarballPath(name, version)}`).toSorted();

let world: World;
let project: Project;
beforeAll(async () => {
  const made = await Promise.all(specs.map(makePackage));
  world = await openWorld({ packages: made, npmrc: { 'fetch-retries': 2, 'fetch-retry-mintimeout': 100 } });
  project = await world.sandbox.project(lockedTo(world.registry, made));
  await world.sandbox.pyrsia(['config', 'set', 'upstream.timeout', '3s']);
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => world.registry.behave());

/** Empties all caches. */
async function forget(): Promise<void> {
  await world.sandbox.pyrsia(['cache', 'rm', '*', '--yes']);
  await world.sandbox.pyrsia(['agent', 'stop']); // It remembers who could not be reached.
  world.sandbox.freshNpmCache();
  rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true });
  world.registry.behave();
  world.registry.log.clear();
}

const asked = (): string[] => world.registry.log.tarballs().map(({ path }) => path);

/** Installs with nothing in any cache, with and without a fill, while the upstream has the same bad day. */
async function both(badDay: () => void): Promise<Record<'off' | 'link', Finished & { asked: string[] }>> {
  const run = async (fill: string) => {
    await forget();
    badDay();
    const done = await world.through(['npm', 'ci'], {
      cwd: project.dir,
      env: { PYRSIA_FILL: fill },
      timeoutMs: 120_000,
    });
    expect(unsound(world.sandbox.env['npm_config_cache']!)).toEqual([]);
    expect(await world.verify()).toMatchObject({ code: 0 });
    return { ...done, asked: asked() };
  };
  return { off: await run('off'), link: await run('link') };
}

describe('An upstream', { timeout: 300_000 }, () => {
  it('that is well is asked for each package once, whoever wants it first', async () => {
    const { link, off } = await both(() => {});
    for (const each of [off, link]) {
      expect(each.code, each.stderr).toBe(0);
      expect(each.asked.toSorted()).toEqual(paths);
    }
    const { totals, fill } = await world.last();
    expect(totals).toMatchObject({ artifacts: specs.length, upstream: specs.length, cache: 0 });
    expect(fill!.linked).toBe(totals.linked);
    expect(totals.linked).toBeGreaterThan(0);
  });

  it('of few bytes a second is asked for each package once', async () => {
    const { link } = await both(() => world.registry.misbehave({ kind: 'drip', bytes: 2_500, everyMs: 100 }));
    expect(link.code, link.stderr).toBe(0);
    expect(link.asked.toSorted()).toEqual(paths);
  });

  it('behind a line of 200 kbit/s is asked for each package once, and for no more than npm wants', async () => {
    await forget();
    await using line = await openLine(world.registry.port, { bits: 200_000, roundTripMs: 40 });
    const url = `http://127.0.0.1:${line.port}/`;
    const few = await Promise.all(specs.slice(0, 8).map(makePackage));
    const { dir: cwd } = await world.sandbox.project(lockedTo({ url }, few));
    const env = { PYRSIA_FILL: 'link', npm_config_registry: url };
    const { code, stderr } = await world.through(['npm', 'ci'], { cwd, env });
    expect(code, stderr).toBe(0);
    expect(asked().toSorted()).toEqual(
      few.map(({ name, version }) => `/${tarballPath(name, version)}`).toSorted(),
    );
    expect((await world.last()).fill!.linked).toBeGreaterThan(0);
  });

  it('that hangs now and then, or breaks off, holds npm up no more than without', async () => {
    for (const kind of ['hang', 'hang-in-body', 'cut-short'] as const) {
      const { off, link } = await both(() => {
        for (const n of [3, 20, 37]) world.registry.misbehave({ kind, match: paths[n]!, times: 1 });
      });
      expect({ kind, code: link.code }, link.stderr).toEqual({ kind, code: off.code });
      // What breaks off is continued; what hangs npm is told of, and does not ask for again.
      if (kind !== 'hang') expect({ kind, code: link.code }, link.stderr).toEqual({ kind, code: 0 });
      expect(link.asked.length, kind).toBeLessThanOrEqual(off.asked.length + 3);
    }
  });

  it('that has too much to do is spared what nobody waits for', async () => {
    const { off, link } = await both(() => {
      for (const n of [3, 20, 37])
        world.registry.misbehave({ kind: 'status', status: 429, retryAfter: 2, match: paths[n]!, times: 1 });
    });
    for (const each of [off, link]) expect(each.code, each.stderr).toBe(0);
    // What is under way goes on, and comes when it may: nobody has to ask for it again.
    expect(off.asked).toHaveLength(specs.length + 3);
    expect(link.asked).toHaveLength(specs.length + 3);
    const spared = world.registry.log.tarballs();
    for (const n of [3, 20, 37]) {
      const [refused, again] = spared.filter(({ path }) => path === paths[n]);
      expect(again!.at - refused!.at, paths[n]!).toBeGreaterThanOrEqual(2000);
    }
  });

  it.each([429, 503])('that answers nothing but %i is given up on, as without', async (status) => {
    const { off, link } = await both(() => world.registry.misbehave({ kind: 'status', status }));
    expect(link.code).toBe(off.code);
    expect(link.code).not.toBe(0);
    expect(link.asked.length).toBeLessThanOrEqual(off.asked.length + 3 * CONNECTIONS);
  });
});

describe('npm that is interrupted', { timeout: 120_000 }, () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'by %s has nothing fetched for it any more',
    async (signal) => {
      await forget();
      world.registry.misbehave({ kind: 'drip', bytes: 500, everyMs: 100 });
      const running = world.sandbox.start(world.sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']), {
        cwd: project.dir,
        env: { PYRSIA_FILL: 'link' },
      });
      await expect.poll(() => asked().length, { timeout: 60_000 }).toBeGreaterThan(0);
      running.kill(signal);
      await running.result;
      await expect.poll(async () => (await world.status()).launches, { timeout: 30_000 }).toBe(0);
      const mark = world.registry.log.mark();
      expect(await world.verify()).toMatchObject({ code: 0 });
      expect(world.registry.log.since(mark).all).toEqual([]);
      expect(asked().length).toBeLessThan(specs.length);
      const left = world.registry.log.tarballs().filter(({ bytes }) => bytes < 20_000);
      const before = left.map(({ bytes }) => bytes);
      expect(await world.verify()).toMatchObject({ code: 0 });
      expect(left.map(({ bytes }) => bytes)).toEqual(before);
    },
  );
});

describe('An agent that is killed while it fetches ahead', { timeout: 120_000 }, () => {
  it('leaves what the next install needs, and nothing wrong', async () => {
    await forget();
    world.registry.misbehave({ kind: 'drip', bytes: 5_000, everyMs: 100 });
    const running = world.sandbox.start(world.sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']), {
      cwd: project.dir,
      env: { PYRSIA_FILL: 'link' },
    });
    await expect.poll(() => asked().length, { timeout: 60_000 }).toBeGreaterThan(6);
    const { pid } = await world.status();
    process.kill(pid!, 'SIGKILL');
    await running.result;
    world.registry.behave();
    expect(unsound(world.sandbox.env['npm_config_cache']!)).toEqual([]);
    const { code, stderr } = await world.through(['npm', 'ci'], {
      cwd: project.dir,
      env: { PYRSIA_FILL: 'link' },
    });
    expect(code, stderr).toBe(0);
    expect(Object.keys(project.installed())).toHaveLength(specs.length);
    expect(await world.verify()).toMatchObject({ code: 0 });
    expect(await world.sandbox.npm(['cache', 'verify'])).toMatchObject({ code: 0 });
  });
});
