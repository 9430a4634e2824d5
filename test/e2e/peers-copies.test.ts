/** Names where no registry is asked: what neighbours say that it has said. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { has, imageTools } from '../support/image-registry.ts';
import { type ImageShelf, insecure, openImageShelf, readingConf } from '../support/image-world.ts';
import { canLan, openLan } from '../support/lan.ts';
import { forward, type Forwarder, type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

const OFFLINE = { PYRSIA_OFFLINE: '1' };

const install = async (laptop: Laptop, env: Readonly<Record<string, string>>) => {
  const { dir } = await laptop.sandbox.project({ lockfile: 'none' });
  const done = laptop.afresh(['npm', 'install', 'tool'], { cwd: dir, env, timeoutMs: 40_000 });
  return { dir, done };
};

describe.skipIf(!canLan())('a package by its name alone', { timeout: 60_000 }, () => {
  const [leaf, tool] = [
    makePackage({ name: 'leaf', version: '1.2.0', size: 30_000 }),
    makePackage({ name: 'tool', version: '1.0.0', size: 30_000, dependencies: { leaf: '^1.0.0' } }),
  ];
  let world: LanWorld<Registry>;
  let a: Laptop;
  let b: Laptop;
  beforeAll(async () => {
    world = await openLanWorld(openLan(2), async (address) =>
      startRegistry({ packages: [leaf, tool], address }),
    );
    [a, b] = world.laptops as [Laptop, Laptop];
    await (
      await install(a, {})
    ).done;
    world.lan.here.unplug();
  }, 60_000);
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('is not taken from a neighbour where the registry is only out of reach', async () => {
    await expect.poll(async () => (await a.peers()).listening.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect((await install(b, {})).done).rejects.toThrow('ended with');
  });

  it('is installed from a neighbour under PYRSIA_OFFLINE=1, and everybody is told whose word that is', async () => {
    const { done } = await install(b, OFFLINE);
    const { stderr } = await done;
    const { artifacts, copies, totals } = await b.last();
    expect(artifacts.map(({ purl }) => purl).toSorted()).toEqual([
      'pkg:npm/leaf@1.2.0',
      'pkg:npm/tool@1.0.0',
    ]);
    expect(totals).toMatchObject({ peer: 2, upstream: 0, claimed: 2, verified: 0 });
    expect(artifacts.map(({ by }) => by)).toEqual(["a neighbour's copy", "a neighbour's copy"]);
    expect(copies?.map(({ purl }) => purl).toSorted()).toEqual(['pkg:npm/leaf', 'pkg:npm/tool']);
    expect(stderr).toMatch(/2 documents are neighbours' copies, seen at \d{4}-/);
    expect(stderr).toContain("2 named by a neighbour's copy only");
    expect((await b.pyrsia(['why', 'npm:leaf'])).stdout).toMatch(
      /neighbour's copy +of peer .*, seen at \d{4}-/,
    );
  });

  it('is pulled by name as well, on no more than the neighbour’s word', async () => {
    const { stdout } = await b.pyrsia(['pull', 'npm:leaf@^1.0.0', '--json'], { env: OFFLINE });
    expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ word: 'claimed' })]);
    expect((await b.last()).copies).toHaveLength(1);
  });
});

describe.skipIf(!canLan())('a laptop that shares within hours', { timeout: 60_000 }, () => {
  it('is reached within them, and not outside', async () => {
    const packages = [makePackage({ name: 'leaf', version: '1.2.0' })];
    await using world = await openLanWorld(openLan(1), async (address) =>
      startRegistry({ packages, address }),
    );
    const [laptop] = world.laptops as [Laptop];
    await laptop.stay();
    const hour = new Date().getHours();
    const span = (from: number, to: number) => `${(hour + from) % 24}:00-${(hour + to) % 24}:00`;
    const standing = async () => {
      const { share, listening } = await laptop.peers();
      return { share, isReached: listening.length > 0 };
    };
    await laptop.pyrsia(['config', 'set', 'share.hours', span(6, 8)]);
    await expect.poll(standing, { timeout: 20_000 }).toEqual({ share: 'off', isReached: false });
    expect((await laptop.pyrsia(['share'])).stdout).toContain('Sharing is off at this time of the day');
    await laptop.pyrsia(['config', 'set', 'share.hours', span(22, 6)]);
    await expect.poll(standing, { timeout: 20_000 }).toEqual({ share: 'lan', isReached: true });
  });
});

describe.skipIf(!canLan() || !has(...imageTools))('an image by its tag', { timeout: 60_000 }, () => {
  let world: LanWorld<Forwarder>;
  let shelf: ImageShelf;
  beforeAll(async () => {
    shelf = await openImageShelf();
    await shelf.layout.image({ layers: [{ a: 'a' }] }, 'app');
    await shelf.push('app', 'org/app:1');
    const port = Number(shelf.registry.host.split(':')[1]);
    world = await openLanWorld(openLan(2), async (address) => forward(address, port));
  }, 60_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await shelf?.[Symbol.asyncDispose]();
  });

  it('is what a neighbour saw under it, under PYRSIA_OFFLINE=1 alone', async () => {
    const [a, b] = world.laptops as [Laptop, Laptop];
    const { host } = new URL(world.registry.url);
    const pull = async (laptop: Laptop, env: Readonly<Record<string, string>>) => {
      await laptop.pyrsia(['config', 'set', 'docker.public', host]);
      const to = `oci:${join(laptop.sandbox.root, 'image')}`;
      const all = { ...readingConf(laptop.sandbox, insecure(host)), ...env };
      return laptop.pyrsia(['pull', `${host}/org/app:1`, '-o', to, '--json'], {
        env: all,
        timeoutMs: 40_000,
      });
    };
    const [first] = JSON.parse((await pull(a, {})).stdout) as { digest: string }[];
    await expect.poll(async () => (await a.peers()).listening.length, { timeout: 20_000 }).toBeGreaterThan(0);
    world.lan.here.unplug();
    await expect(pull(b, {})).rejects.toThrow('ended with');
    const [second] = JSON.parse((await pull(b, OFFLINE)).stdout) as { digest: string }[];
    expect(second!.digest).toBe(first!.digest);
    const { artifacts, copies, totals } = await b.last();
    expect(totals).toMatchObject({ peer: artifacts.length, upstream: 0, claimed: artifacts.length });
    expect(new Set(artifacts.map(({ by }) => by))).toEqual(new Set(["a neighbour's copy"]));
    expect(copies).toHaveLength(1);
  });
});
