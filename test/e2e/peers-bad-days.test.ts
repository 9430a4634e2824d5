/** Peers that lie or die, and a user who gives up in the middle, on a network of namespaces: builds end well, and nothing wrong is kept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { canLan, openLan } from '../support/lan.ts';
import type { Running } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { type Laptop, type LanWorld, openLanWorld } from './lan-world.ts';

const LIAR = join(import.meta.dirname, '..', 'fixtures', 'lying-peer.ts');
const CI = ['npm', 'ci', '--ignore-scripts'];
/** What the registry can send, so that peers are quicker, in megabits a second. */
const SLOW = 8;
const PATIENT = { timeout: 30_000 };

const packages = async (name: string, count: number, size: number): Promise<Package[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, n) =>
      makePackage({ name: `${name}-${n}`, version: '1.0.0', size }),
    ),
  );

const projectOf = async (laptop: Laptop, made: readonly Package[]): Promise<Project> =>
  laptop.sandbox.project({
    dependencies: Object.fromEntries(made.map(({ name, version }) => [name, version])),
  });

async function install(laptop: Laptop, made: readonly Package[], of?: Project): Promise<void> {
  const its = of ?? (await projectOf(laptop, made));
  await laptop.afresh(CI, { cwd: its.dir });
  expect(Object.keys(its.installed())).toHaveLength(made.length);
}
const verified = async (laptop: Laptop): Promise<Verification> =>
  JSON.parse((await laptop.pyrsia(['cache', 'verify', '--json'])).stdout) as Verification;

/** What of a computer's processes runs, besides agents. */
const runningOn = ({ sandbox }: Laptop): string[] =>
  sandbox.processes().flatMap(({ command }) => (command.includes('/agent.cjs') ? [] : [command]));

describe.skipIf(!canLan())('Peers on a bad day', { timeout: 240_000 }, () => {
  let world: LanWorld<Registry>;
  let [one, other, taker]: Laptop[] = [];
  /** What both honest seeds have, what only the liar says it has, and what is large enough to be interrupted. */
  let [shared, lied, large]: Package[][] = [];
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());
  beforeAll(async () => {
    shared = [...(await packages('shared', 6, 30_000)), ...(await packages('shared-large', 1, 5e6))];
    [lied, large] = [await packages('lied', 16, 30_000), await packages('large', 10, 1.5e6)];
    const all = [...shared, ...lied, ...large];
    world = stack.use(
      await openLanWorld(openLan(4), async (address) => startRegistry({ packages: all, address })),
    );
    [one, other, taker] = world.laptops;
    for (const seed of [one!, other!]) {
      await install(seed, shared);
      await seed.stay();
    }
  }, 120_000);

  /** Starts a peer that lies about all of this; its name. */
  async function startLiar(made: readonly Package[]): Promise<string> {
    const at = world.laptops[3]!;
    const folder = join(at.sandbox.root, 'truth');
    mkdirSync(folder);
    for (const { name, tarball } of made) writeFileSync(join(folder, name), tarball);
    const [program, ...args] = at.host.command([process.execPath, LIAR, at.sandbox.root, folder]);
    const liar = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    stack.defer(() => void liar.kill('SIGKILL'));
    const [name] = (await once(createInterface({ input: liar.stdout }), 'line')) as [string];
    return name;
  }

  it('one of three seeds lies: all is right, and it is known as a liar, also by the next agent', async () => {
    const liar = await startLiar([...shared!, ...lied!]);
    await taker!.stay();
    const connected = async () => (await taker!.known()).filter(({ connected: is }) => is);
    await expect.poll(async () => (await connected()).length, PATIENT).toBe(3);
    world.lan.here.limit(SLOW);
    await install(taker!, [...shared!, ...lied!]);
    const { totals, artifacts } = await taker!.last();
    expect(totals).toMatchObject({ verified: shared!.length + lied!.length, refused: 0 });
    // What only a liar has, nobody but upstream gives.
    const ofLiar = artifacts.filter(({ purl }) => purl.includes('/lied-'));
    expect(ofLiar.filter(({ source }) => source === 'peer')).toEqual([]);
    expect(await verified(taker!)).toMatchObject({ damaged: [] });
    const isLiar = async () => {
      const known = await taker!.known();
      const blamed = known.filter(({ strikes, bannedUntil = 0 }) => strikes > 0 || bannedUntil > Date.now());
      expect(blamed.map(({ peer }) => peer)).toEqual([liar]);
      expect(blamed[0]).toMatchObject({ connected: false, bannedUntil: expect.any(Number) });
    };
    await isLiar();
    await taker!.pyrsia(['node', 'stop']);
    await taker!.pyrsia(['agent', 'stop']);
    await isLiar();
    await taker!.stay();
    await expect.poll(async () => (await connected()).length, PATIENT).toBe(2);
    await isLiar();
  });

  /** Begins to fetch what is large, and waits until a peer has given some of it, but not all. */
  async function beginFetching(laptop: Laptop): Promise<{ project: Project; npm: Running }> {
    const its = await projectOf(laptop, large!);
    laptop.sandbox.freshNpmCache();
    const { taken: before } = await laptop.peers();
    const npm = laptop.begin(['exec', '--', ...CI], { cwd: its.dir });
    await expect.poll(async () => (await laptop.peers()).taken, PATIENT).toBeGreaterThan(before);
    return { project: its, npm };
  }

  it('a seed is killed while ten packages are fetched from it: they come all the same, and it begins again', async () => {
    world.lan.here.limit(100 * SLOW);
    await install(one!, large!);
    for (const end of [one!.host, world.lan.here]) end.limit(3 * SLOW);
    const { project: its, npm } = await beginFetching(taker!);
    for (const { pid } of one!.sandbox.processes()) process.kill(pid, 'SIGKILL');
    const { code, stderr } = await npm.result;
    expect(code, stderr).toBe(0);
    expect(Object.keys(its.installed())).toHaveLength(large!.length);
    const { totals } = await taker!.last();
    expect(totals).toMatchObject({ verified: large!.length, refused: 0 });
    for (const laptop of [taker!, one!]) expect(await verified(laptop)).toMatchObject({ damaged: [] });
    await one!.stay();
  });

  it('a user gives up while a seed sends: that is all that happens, and the next time all comes from peers', async () => {
    taker!.host.limit(3 * SLOW);
    const { project: its, npm } = await beginFetching(other!);
    npm.kill('SIGINT');
    const { code, signal, stderr } = await npm.result;
    // npm ends by the signal, but while it unpacks: then it goes back first, and ends by itself.
    expect(signal ?? [code, stderr]).toEqual(
      signal === null ? [1, expect.stringContaining('npm error signal SIGINT')] : 'SIGINT',
    );
    await expect.poll(() => runningOn(other!), PATIENT).toEqual([]);
    expect(await verified(other!)).toMatchObject({ damaged: [] });
    await world.registry.pause();
    await install(other!, large!, its);
    expect((await other!.last()).totals).toMatchObject({ upstream: 0, unavailable: 0, refused: 0 });
    expect(await verified(other!)).toMatchObject({ damaged: [] });
  });
});
