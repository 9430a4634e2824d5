/** A private network on a network of namespaces: who gets what in it, and who hears what of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { signer, vkey } from '../log/signers.ts';
import { canLan, openLan } from '../support/lan.ts';
import type { Lockfile } from '../support/project.ts';
import { type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

const CURIOUS = join(import.meta.dirname, '..', 'fixtures', 'curious-peer.ts');
const KEY = ['--key', 'net.example.key'];
const PATIENT = { timeout: 30_000 };
/** The card of an authority that nobody can ask. */
const CARD = [
  'organisation org1',
  'url http://127.0.0.1:1/',
  `log ${vkey(signer('log1.example', 101))}`,
  `cosign ${vkey(signer('org1.example', 111, 'cosignature/v1'))}`,
  `attest ${vkey(signer('org1.example', 121))}`,
  '',
].join('\n');

const json = async <T>(laptop: Laptop, ...args: readonly string[]): Promise<T> =>
  JSON.parse((await laptop.pyrsia([...args, '--json'], { cwd: laptop.sandbox.home })).stdout) as T;

/** Installs what a project pins; whether it came. */
async function gets(laptop: Laptop, { dependencies, lockfile }: Pinned): Promise<boolean> {
  const project = await laptop.sandbox.project({ dependencies, lockfile });
  const install = laptop.afresh(['npm', 'ci', '--ignore-scripts'], { cwd: project.dir });
  return install.then(
    () => true,
    () => false,
  );
}

interface Pinned {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly lockfile: Lockfile;
}

describe.skipIf(!canLan())('A private network among neighbours', { timeout: 240_000 }, () => {
  let world: LanWorld<Registry>;
  let [creator, member, former, stranger]: Laptop[] = [];
  let [early, late]: Pinned[] = [];
  const heard: string[] = [];
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());
  beforeAll(async () => {
    const packages = ['early', 'late'].map(async (name) =>
      makePackage({ name, version: '1.0.0', size: 30_000 }),
    );
    world = stack.use(
      await openLanWorld(openLan(5), async (address) => startRegistry({ packages, address })),
    );
    [creator, member, former, stranger] = world.laptops;
    // Made while the registry is there.
    const pinned = async (name: string): Promise<Pinned> => {
      const dependencies = { [name]: '1.0.0' };
      return { dependencies, lockfile: (await creator!.sandbox.project({ dependencies })).lockfile() };
    };
    [early, late] = [await pinned('early'), await pinned('late')];
    const at = world.laptops[4]!;
    const [program, ...args] = at.host.command([process.execPath, CURIOUS, at.sandbox.root]);
    const curious = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    stack.defer(() => void curious.kill('SIGKILL'));
    const lines = createInterface({ input: curious.stdout }).on('line', (line) => heard.push(line));
    await once(lines, 'line');
  }, 120_000);

  it('gives to its members; a stranger gets nothing and hears nothing, nor does who was let out', async () => {
    writeFileSync(join(creator!.sandbox.home, 'one.card'), CARD);
    await json(creator!, 'network', 'create', 'net.example', 'one.card', '--private');
    await json(creator!, 'network', 'join', 'net.example.policy');
    await creator!.stay();
    for (const each of [early!, late!]) expect(await gets(creator!, each)).toBe(true);
    const joins = async (laptop: Laptop): Promise<void> => {
      const invited = await json<{ token: string }>(creator!, 'network', 'invite', ...KEY);
      await json(laptop, 'network', 'join', invited.token);
      await laptop.stay();
    };
    await Promise.all([joins(member!), joins(former!), stranger!.stay()]);
    await world.registry.pause();

    const connected = async () =>
      (await creator!.known()).flatMap(({ connected: is, peer }) => (is ? [peer] : []));
    const names = await Promise.all([member!, former!].map(async (each) => (await each.peers()).peer!));
    await expect.poll(async () => (await connected()).toSorted(), PATIENT).toEqual(names.toSorted());
    expect(await gets(former!, early!)).toBe(true);
    const { taken } = await former!.peers();
    expect(taken).toBeGreaterThan(30_000);

    await json(creator!, 'network', 'revoke', names[1]!, ...KEY);
    await expect.poll(connected, PATIENT).toEqual([names[0]]);
    const { given } = await creator!.peers();
    expect(await gets(former!, late!)).toBe(false);
    expect([(await former!.peers()).taken, (await creator!.peers()).given]).toEqual([taken, given]);
    expect(await gets(member!, late!)).toBe(true);
    expect((await member!.peers()).taken).toBeGreaterThan(30_000);
    // Its own name is all that the curious one prints unless it is asked for something.
    expect(heard).toHaveLength(1);
    const { given: ofAll } = await creator!.peers();
    expect(await gets(stranger!, late!)).toBe(false);
    expect([(await stranger!.peers()).taken, (await creator!.peers()).given]).toEqual([0, ofAll]);
  });
});
