/** A neighbour's copy, found without a word of configuration, on a network of namespaces. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CountingMirror, startMirror } from '../fixtures/mirror.ts';
import { has, imageTools } from '../support/image-registry.ts';
import { type ImageShelf, insecure, openImageShelf, readingConf } from '../support/image-world.ts';
import { canLan, openLan } from '../support/lan.ts';
import { configuredRegistry, writeNpm503 } from '../support/npm-503.ts';
import { forward, type Forwarder, type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

/** What a megabyte in a second is, in megabits. */
const SLOW = 8;

describe.skipIf(!canLan())('laptops on one network', { timeout: 120_000 }, () => {
  let world: LanWorld<CountingMirror>;
  let a: Laptop;
  let b: Laptop;
  let c: Laptop;
  /** What the registry had to give the first of them, in bytes. */
  let whole: number;
  const install = async (laptop: Laptop) => {
    const cwd = join(laptop.sandbox.home, 'project');
    rmSync(cwd, { recursive: true, force: true });
    writeNpm503(cwd, world.registry.url);
    return laptop.afresh(['npm', 'ci', '--ignore-scripts'], { cwd, timeoutMs: 100_000 });
  };
  beforeAll(async () => {
    world = await openLanWorld(openLan(3), async (address) => startMirror(configuredRegistry('/'), address));
    [a, b, c] = world.laptops as [Laptop, Laptop, Laptop];
    await install(a);
    whole = world.registry.given.tarballs;
  }, 120_000);
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('the second has 503 packages from the first, which a slow registry is only asked about', async () => {
    await expect.poll(async () => (await a.peers()).listening.length, { timeout: 20_000 }).toBeGreaterThan(0);
    world.lan.here.limit(SLOW);
    world.registry.given.tarballs = 0;
    const { stderr, ms } = await install(b);
    const { totals, artifacts } = await b.last();
    // Some are for other platforms.
    expect(totals.artifacts).toBeGreaterThan(480);
    expect(totals.verified, stderr).toBe(totals.artifacts);
    expect(artifacts.every(({ word }) => word === 'declared')).toBe(true);
    expect((totals.bytes - totals.saved) / totals.bytes, stderr).toBeLessThan(0.05);
    // What it had begun with before the first was found, or while this machine is busy, is begun in vain.
    expect(world.registry.given.tarballs, stderr).toBeLessThan(whole / 3);
    // Without the first it would take at least as long as the line needs for all of it.
    expect(ms / 1000, stderr).toBeLessThan(whole / 1e6);
  });

  it('another has them from those two where the registry is out of reach, on its lockfile’s word', async () => {
    world.lan.here.unplug();
    const { stderr } = await install(c);
    const { totals } = await c.last();
    expect(totals, stderr).toMatchObject({ upstream: 0, unavailable: 0 });
    expect(totals.claimed).toBe(totals.artifacts);
    expect(totals.artifacts).toBeGreaterThan(480);
    expect((await c.peers()).taken).toBeGreaterThan(whole * 0.99);
  });
});

describe.skipIf(!canLan() || !has(...imageTools))('an image of 103 MB', { timeout: 120_000 }, () => {
  let world: LanWorld<Forwarder>;
  let shelf: ImageShelf;
  beforeAll(async () => {
    shelf = await openImageShelf();
    const layers = [{ a: 'a' }, ...[20, 33, 50].map((megabytes) => ({ b: randomBytes(megabytes * 1e6) }))];
    await shelf.layout.image({ layers }, 'app');
    await shelf.push('app', 'org/app:1');
    const port = Number(shelf.registry.host.split(':')[1]);
    world = await openLanWorld(openLan(2), async (address) => forward(address, port));
  }, 60_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await shelf?.[Symbol.asyncDispose]();
  });

  it('comes from the neighbour where the registry is out of reach', async () => {
    const [a, b] = world.laptops as [Laptop, Laptop];
    const { host } = new URL(world.registry.url);
    const pull = async (laptop: Laptop, image: string) => {
      await laptop.pyrsia(['config', 'set', 'docker.public', host]);
      const env = readingConf(laptop.sandbox, insecure(host));
      const to = `oci:${join(laptop.sandbox.root, 'image')}`;
      return laptop.pyrsia(['pull', image, '-o', to, '--json'], { env, timeoutMs: 60_000 });
    };
    const [first] = JSON.parse((await pull(a, `${host}/org/app:1`)).stdout) as { digest: string }[];
    await expect.poll(async () => (await a.peers()).listening.length, { timeout: 20_000 }).toBeGreaterThan(0);
    world.lan.here.unplug();
    await pull(b, `${host}/org/app@${first!.digest}`);
    const { totals, artifacts } = await b.last();
    expect(totals).toMatchObject({ peer: artifacts.length, upstream: 0 });
    expect(totals.bytes).toBeGreaterThan(103e6);
  });
});
