/** Five computers in a line, each of which knows only the next one: the last one finds what only the first one has. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { canLan, openLine } from '../support/lan.ts';
import type { Lockfile } from '../support/project.ts';
import { type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

const COUNT = 5;
/** Of each package, in bytes. */
const SIZE = 20_000;

describe.skipIf(!canLan())('Computers in a line', { timeout: 240_000 }, () => {
  const dependencies = { left: '1.0.0', right: '1.0.0', '@both/sides': '1.0.0' };
  let world: LanWorld<Registry>;
  /** Made while the registry is there. */
  let lockfile: Lockfile;
  const install = async (laptop: Laptop) => {
    const project = await laptop.sandbox.project({ dependencies, lockfile });
    await laptop.afresh(['npm', 'ci', '--ignore-scripts'], { cwd: project.dir });
    expect(Object.keys(project.installed())).toHaveLength(3);
    return laptop.last();
  };
  beforeAll(async () => {
    const packages = Object.keys(dependencies).map(async (name) =>
      makePackage({ name, version: '1.0.0', size: SIZE }),
    );
    const share = { share: 'public' };
    world = await openLanWorld(
      openLine(COUNT),
      async (address) => startRegistry({ packages, address }),
      share,
    );
  }, 120_000);
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('find by the hash table what only the one at the other end has, where the registry is out of reach', async () => {
    const [first, ...others] = world.laptops as [Laptop, ...Laptop[]];
    const last = others.at(-1)!;
    lockfile = (await first.sandbox.project({ dependencies })).lockfile();
    await install(first);
    const places = await Promise.all(world.laptops.map(async (laptop) => laptop.stay()));
    await Promise.all(others.map(async (laptop, i) => laptop.pyrsia(['peers', 'add', places[i]!])));
    await world.registry.pause();
    // What is here is told to the table some time after somebody is there.
    const told = { timeout: 90_000, interval: 1000 };
    await expect.poll(async () => install(last).catch(() => undefined), told).toBeDefined();
    const { totals } = await last.last();
    expect(totals).toMatchObject({ artifacts: 3, upstream: 0, unavailable: 0, refused: 0 });
    expect((await last.peers()).taken).toBeGreaterThan(3 * SIZE);
    const givers = (await last.known()).filter(({ rate }) => rate !== undefined);
    expect(givers.map(({ peer }) => peer)).toEqual([places[0]!.split('/').at(-1)]);
  });
});
