/** What somebody who watches the wire sees of peers: that they speak, and how much, and no name of anything. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/content/digest.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { canCapture, type Flow, startCapture } from '../support/capture.ts';
import { BRIDGE, type BridgedLan, canLan, openLan } from '../support/lan.ts';
import { type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

const TOKEN = 'npm_abcdef0123456789abcdef0123456789';
/** Of each package, in bytes: so many that the registry takes a second for all of them, and a peer is quicker. */
const SIZE = 100_000;
const SLOW_MEGABITS = 8;
const MDNS = 5353;

const install = async (laptop: Laptop, dependencies: Readonly<Record<string, string>>) => {
  const project = await laptop.sandbox.project({ dependencies });
  await laptop.afresh(['npm', 'ci', '--ignore-scripts'], { cwd: project.dir });
};

/** All that passed on these ways, a character a byte. */
const all = (which: readonly Flow[]): string =>
  Buffer.concat(which.map(({ bytes }) => bytes)).toString('latin1');

describe.skipIf(!canLan() || !canCapture())('Somebody who watches the wire', { timeout: 240_000 }, () => {
  const everybodys = Array.from({ length: 10 }, (_, n) => `everybodys-${n}`);
  const known = everybodys.map(async (name) => makePackage({ name, version: '1.0.0', size: SIZE }));
  const secret = makePackage({ name: '@secret/tool', version: '3.0.0', size: SIZE });
  const stack = new AsyncDisposableStack();
  let world: LanWorld<Registry, BridgedLan>;
  let locked: Registry;
  afterAll(() => stack.disposeAsync());
  beforeAll(async () => {
    world = stack.use(
      await openLanWorld(openLan(2), async (address) => startRegistry({ packages: known, address })),
    );
    const { address } = world.lan.here;
    locked = stack.use(await startRegistry({ packages: [secret], address, auth: { token: TOKEN } }));
    for (const { sandbox } of world.laptops)
      sandbox.npmrc({
        '@secret:registry': locked.url,
        [`//${new URL(locked.url).host}/:_authToken`]: TOKEN,
      });
  }, 120_000);

  it('sees neither package, scope nor token, nor anything of the machine, but what it gets from the registry', async () => {
    const [seed, laptop] = world.laptops as [Laptop, Laptop];
    const file = join(seed.sandbox.root, 'packets');
    using capture = await startCapture(world.lan.atBridge, BRIDGE, file);
    const dependencies = Object.fromEntries(everybodys.map((name) => [name, '1.0.0']));
    await install(seed, dependencies);
    await Promise.all([seed.stay(), laptop.stay()]);
    await expect.poll(async () => (await laptop.peers()).connected, { timeout: 30_000 }).toBe(1);
    world.lan.here.limit(SLOW_MEGABITS);
    await install(laptop, { ...dependencies, '@secret/tool': '3.0.0' });
    expect((await laptop.peers()).taken).toBeGreaterThan(SIZE);
    const flows = await capture.flows();

    const { address } = world.lan.here;
    const isOfRegistry = ({ from, to }: Flow): boolean => [from, to].includes(address);
    // What is looked for is seen where it is said in plain words.
    const names = ['everybodys', '@secret', 'tool-3.0.0.tgz', TOKEN];
    for (const name of names) expect(all(flows.filter(isOfRegistry)).includes(name), name).toBe(true);

    const ofPeers = flows.filter((flow) => !isOfRegistry(flow));
    const sent = ofPeers.filter(({ from, to }) => from === seed.host.address && to === laptop.host.address);
    expect(Math.max(...sent.map(({ bytes }) => bytes.byteLength))).toBeGreaterThan(SIZE);
    const tarballs = (await Promise.all([...known, secret])).map(({ tarball }) =>
      digestOf(tarball, 'sha512'),
    );
    const digests = tarballs.flatMap((digest) => {
      const raw = Buffer.from(hexOf(digest), 'hex');
      return [raw.toString('latin1'), hexOf(digest), raw.toString('base64')];
    });
    // No shorter words: encrypted bytes are some of those by chance.
    for (const word of [...names, 'secret', ...digests, laptop.sandbox.root])
      expect(all(ofPeers).includes(word), word).toBe(false);

    const announced = all(ofPeers.filter(({ toPort }) => toPort === MDNS));
    for (const each of [seed, laptop]) expect(announced).toContain((await each.peers()).peer);
    // The service, names by chance, and where whom is reached.
    const needed = /_pyrsia|_udp|local|dnsaddr=\/ip4\/[\d.]+\/tcp\/\d+\/p2p\/12D3KooW\w{44}|[\da-z]{32,}/g;
    expect(announced.replaceAll(needed, '').match(/[ -~]{4,}/g)).toBeNull();
  });
});
