/** Lockfiles say the same as without us, byte for byte, and what they name comes through us wherever npm lets it. */
import { execFileSync } from 'node:child_process';
import { createServer, request as forward, type Server } from 'node:http';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { Finished } from '../support/command.ts';
import type { Project, ProjectSpec } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';

const LOCKS = ['package-lock.json', 'npm-shrinkwrap.json', 'node_modules/.package-lock.json', 'package.json'];

let world: World;
let acme: Registry;
/** The registry of the scope, by another name of its host than the default registry has. */
let scope: Prefixed;
let corp: Prefixed;

beforeAll(async () => {
  world = await openWorld({
    packages: [
      makePackage({ name: 'right', version: '2.0.0' }),
      makePackage({ name: 'right', version: '2.1.0' }),
      makePackage({ name: 'left', version: '1.0.0', dependencies: { right: '^2.0.0' } }),
      makePackage({ name: 'up', version: '0.5.0' }),
    ],
  });
  acme = await startRegistry({ packages: [makePackage({ name: '@acme/down', version: '7.0.0' })] });
  scope = await prefixed(acme, '/');
  corp = await prefixed(world.registry, '/api/npm/all/');
}, 60_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await acme.close();
  corp.server.close();
  scope.server.close();
});

interface Prefixed {
  readonly url: string;
  readonly server: Server;
}

/** The same registry below a path of another host, as companies have it; its documents name that address. */
async function prefixed(registry: Registry, prefix: string): Promise<Prefixed> {
  const server = createServer((asked, reply) => {
    const path = asked.url?.startsWith(prefix) ? `/${asked.url.slice(prefix.length)}` : '/-/nowhere';
    const headers = { ...asked.headers, 'accept-encoding': 'identity', 'if-none-match': '' };
    forward(new URL(path, registry.url), { headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const type = answer.headers['content-type'] ?? '';
        const whole = Buffer.concat(chunks);
        const body = type.includes('json') ? whole.toString().replaceAll(registry.url, url) : whole;
        reply.writeHead(answer.statusCode!, { 'content-type': type }).end(body);
      });
    }).end();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => void server.once('listening', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}${prefix}`;
  return { url, server };
}

type Step = readonly string[];

/**
 * Does the same twice, directly and through us, and expects the same files. Resolves to how many tarballs
 * npm needed, and how many of these came through us.
 */
async function twice(spec: ProjectSpec, steps: readonly Step[]): Promise<{ needed: number; seen: number }> {
  const { sandbox } = world;
  const run = async (how: (step: Step) => Promise<Finished>): Promise<void> => {
    for (const step of steps) {
      const { code, stderr } = await how(step);
      expect(code, `${step.join(' ')}\n${stderr}`).toBe(0);
    }
  };
  const direct = await sandbox.project({ lockfile: 'none', ...spec });
  await run(([, ...args]) => {
    sandbox.freshNpmCache();
    return sandbox.npm(args, { cwd: direct.dir });
  });

  const led = await sandbox.project({ lockfile: 'none', ...spec });
  let seen = 0;
  await run(async (step) => {
    const finished = await world.afresh(step, { cwd: led.dir });
    seen += (await world.last()).totals.artifacts;
    return finished;
  });

  let compared = 0;
  for (const file of LOCKS.filter((each) => existsSync(join(direct.dir, each)))) {
    expect(led.read(file), file).toBe(direct.read(file));
    compared += 1;
  }
  expect(compared).toBeGreaterThanOrEqual(3);
  const { packages } = JSON.parse(led.read('node_modules/.package-lock.json')) as ReturnType<
    Project['lockfile']
  >;
  const needed = Object.values(packages).filter(
    ({ resolved, link }) => !link && resolved?.startsWith('http'),
  ).length;
  return { needed, seen };
}

const all = (needed: number) => ({ needed, seen: needed });
const ci = ['npm', 'ci'];
const i = ['npm', 'i'];

describe(
  'a lockfile is as without us, and what the default registry has comes through us,',
  { timeout: 60_000 },
  () => {
    it('of the default registry', async () => {
      expect(await twice({ dependencies: { left: '^1.0.0' } }, [i])).toEqual(all(2));
    });

    it('after npm i of a package, and npm update', async () => {
      const locked = await world.sandbox.project({ dependencies: { right: '2.0.0' } });
      const { lockfile } = locked;
      const old = { dependencies: { right: '^2.0.0' } };
      const outdated = JSON.parse(
        JSON.stringify(lockfile()).replaceAll('"right":"2.0.0"', '"right":"^2.0.0"'),
      ) as ReturnType<typeof lockfile>;
      expect(await twice({ ...old, lockfile: outdated }, [['npm', 'update']])).toEqual(all(1));
      expect(await twice({ ...old, lockfile: outdated }, [['npm', 'i', 'up']])).toEqual(all(2));
    });

    it('of a registry below a path', async () => {
      const files = { '.npmrc': `registry=${corp.url}\n` };
      expect(await twice({ dependencies: { left: '^1.0.0' }, files }, [i])).toEqual(all(2));
      const locked = await world.sandbox.project({ dependencies: { left: '^1.0.0' }, files });
      expect(locked.lockfile().packages['node_modules/left']?.resolved).toBe(
        `${corp.url}left/-/left-1.0.0.tgz`,
      );
      expect(
        await twice({ dependencies: { left: '^1.0.0' }, files, lockfile: locked.lockfile() }, [ci]),
      ).toEqual(all(2));
    });

    it('of a scoped registry at another host, the tarballs of which npm fetches itself', async () => {
      const files = { '.npmrc': `@acme:registry=${scope.url}\n` };
      const { needed, seen } = await twice(
        { dependencies: { up: '^0.5.0', '@acme/down': '^7.0.0' }, files },
        [i],
      );
      expect(needed).toBe(2);
      // npm replaces addresses of the default registry only: the tarball at the scope's own goes past us.
      expect(seen).toBe(1);
    });

    it('of workspaces', async () => {
      const workspace = JSON.stringify({ name: 'part', version: '1.0.0', dependencies: { right: '^2.0.0' } });
      const spec = { manifest: { workspaces: ['parts/*'] }, files: { 'parts/part/package.json': workspace } };
      expect(await twice({ ...spec, dependencies: { left: '^1.0.0' } }, [i])).toEqual(all(2));
    });

    it('of aliases', async () => {
      expect(await twice({ dependencies: { old: 'npm:right@2.0.0', left: '^1.0.0' } }, [i])).toEqual(all(3));
    });

    it('called npm-shrinkwrap.json', async () => {
      const locked = await world.sandbox.project({ dependencies: { left: '^1.0.0' } });
      const files = { 'npm-shrinkwrap.json': locked.read('package-lock.json') };
      expect(await twice({ dependencies: { left: '^1.0.0' }, files }, [ci])).toEqual(all(2));
      expect(await twice({ dependencies: { left: '^1.0.0', up: '*' }, files }, [i])).toEqual(all(3));
    });
  },
);

describe('a lockfile is as without us', { timeout: 60_000 }, () => {
  it('where it names two hosts, of which only one is the configured registry', async () => {
    const locked = await world.sandbox.project({ dependencies: { left: '^1.0.0' } });
    const text = locked.read('package-lock.json');
    const { tarball, dist } = await makePackage({ name: 'moved', version: '1.0.0' });
    await acme.publish({
      name: 'moved',
      version: '1.0.0',
      manifest: { name: 'moved', version: '1.0.0' },
      tarball,
      dist,
      tags: [],
    });
    const lockfile = JSON.parse(text) as ReturnType<Project['lockfile']> & {
      packages: Record<string, unknown>;
    };
    lockfile.packages['node_modules/moved'] = {
      version: '1.0.0',
      resolved: `${scope.url}moved/-/moved-1.0.0.tgz`,
      integrity: dist.integrity!,
    };
    (lockfile.packages[''] as { dependencies: Record<string, string> }).dependencies['moved'] = '1.0.0';
    const dependencies = { left: '^1.0.0', moved: '1.0.0' };
    acme.log.clear();
    expect(await twice({ dependencies, lockfile }, [ci])).toEqual({ needed: 3, seen: 2 });
    expect(acme.log.tarballs()).toHaveLength(2); // as often as npm ran
  });

  it('without resolved, though npm asks for its tarballs past us when a registry has a port of its own', async () => {
    const { sandbox } = world;
    sandbox.npmrc({ 'omit-lockfile-registry-resolved': true });
    const locked = await sandbox.project({ dependencies: { left: '^1.0.0' } });
    expect(locked.lockfile().packages['node_modules/left']).not.toHaveProperty('resolved');
    await twice({ dependencies: { left: '^1.0.0' }, lockfile: locked.lockfile() }, [ci]);
    sandbox.npmrc({ 'omit-lockfile-registry-resolved': false });
  });

  it('where two registries share a host, and npm is left to fetch past us what it could not tell apart', async () => {
    const files = { '.npmrc': `@acme:registry=${acme.url}\n` };
    const { needed } = await twice({ dependencies: { up: '^0.5.0', '@acme/down': '^7.0.0' }, files }, [
      i,
      ci,
    ]);
    expect(needed).toBe(2);
  });

  it('where dependencies are files, directories, tarballs at an address, and git repositories', async () => {
    const { sandbox } = world;
    const elsewhere = await sandbox.project({ lockfile: 'none', manifest: { name: 'elsewhere' } });
    const git = (...args: string[]) => execFileSync('git', args, { cwd: elsewhere.dir, stdio: 'pipe' });
    git('init', '-q');
    git('add', '.');
    git('-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit', '-qm', 'x');
    const dependencies = {
      left: '^1.0.0',
      near: 'file:near',
      elsewhere: `git+file://${elsewhere.dir}`,
      '@acme/down': `${scope.url}@acme/down/-/down-7.0.0.tgz`,
    };
    const files = { 'near/package.json': '{"name":"near","version":"1.0.0"}' };
    expect(await twice({ dependencies, files }, [i, ci])).toMatchObject({ seen: 4 });
  });
});

describe('after all of this', { timeout: 60_000 }, () => {
  it('nothing in the cache is damaged', async () => {
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});
