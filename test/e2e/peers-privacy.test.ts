/** What a neighbour that is curious hears of a build: digests of what is public, and nothing else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { canLan, openLan } from '../support/lan.ts';
import { type LanWorld, openLanWorld } from './lan-world.ts';

const CURIOUS = join(import.meta.dirname, '..', 'fixtures', 'curious-peer.ts');
const TOKEN = 'npm_fedcba9876543210fedcba9876543210';

describe.skipIf(!canLan())('a curious neighbour', { timeout: 60_000 }, () => {
  const everybodys = makePackage({ name: 'everybodys', version: '1.0.0', size: 30_000 });
  const ours = makePackage({ name: '@ours/library', version: '2.0.0', size: 30_000 });
  const secret = makePackage({ name: '@secret/tool', version: '3.0.0', size: 30_000 });
  let world: LanWorld<Registry>;
  let own: Registry;
  let locked: Registry;
  let heard: string[];
  let curious: ReturnType<typeof spawn>;

  beforeAll(async () => {
    world = await openLanWorld(openLan(2), async (address) =>
      startRegistry({ packages: [everybodys], address }),
    );
    const { address } = world.lan.here;
    own = await startRegistry({ packages: [ours], address });
    locked = await startRegistry({ packages: [secret], address, auth: { token: TOKEN } });
    const [at, laptop] = world.laptops;
    heard = [];
    const [program, ...args] = at!.host.command([process.execPath, CURIOUS, at!.sandbox.root]);
    curious = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: curious.stdout! }).on('line', (line) => heard.push(line));
    await once(lines, 'line');
    laptop!.sandbox.npmrc({
      '@ours:registry': own.url,
      '@secret:registry': locked.url,
      [`//${new URL(locked.url).host}/:_authToken`]: TOKEN,
    });
  }, 60_000);
  afterAll(async () => {
    curious?.kill('SIGKILL');
    await own?.[Symbol.asyncDispose]();
    await locked?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  it('hears digests of what is public, and no name, nothing of what is private, and no token', async () => {
    const laptop = world.laptops[1]!;
    const project = await laptop.sandbox.project({
      dependencies: { everybodys: '1.0.0', '@ours/library': '2.0.0', '@secret/tool': '3.0.0' },
    });
    await laptop.afresh(['npm', 'ci'], { cwd: project.dir });
    expect(Object.keys(project.installed())).toHaveLength(3);
    const digestsOf = async (made: typeof everybodys) => {
      const { tarball } = await made;
      return (['sha1', 'sha256', 'sha512'] as const).map((name) => digestOf(tarball, name));
    };
    const [, , sha512] = await digestsOf(everybodys);
    await expect.poll(() => heard, { timeout: 20_000 }).toContain(sha512);
    // By the names that it does not know either it could ask for them, and be told.
    const all = heard.slice(1).join('\n');
    for (const digest of [...(await digestsOf(ours)), ...(await digestsOf(secret))])
      expect(all).not.toContain(digest);
    expect(heard.slice(1).every((line) => /^sha(256|512):[0-9a-f]+$/.test(line))).toBe(true);
    expect(all).not.toMatch(new RegExp(`everybodys|ours|secret|${TOKEN}`));
  });
});
