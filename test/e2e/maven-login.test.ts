import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canUnshareNetwork } from '../support/network.ts';
import { contentOf, EXTENSION, type MavenWorld, mvn, openMavenWorld, write } from './maven-world.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;
const SECRET = 'pa55:w0rd';
const BASIC = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`;

let world: MavenWorld;
beforeEach(async () => void (world = await openMavenWorld()));
afterEach(async () => world[Symbol.asyncDispose]());

/** Has settings say this of the repository `ours`. */
function tellServer(inner: string): void {
  const { settings } = world;
  const before = readFileSync(settings, 'utf8');
  write(
    settings,
    before.replace('<mirrors>', `<servers><server><id>ours</id>${inner}</server></servers><mirrors>`),
  );
}

const USER = '<username>me</username>';
const TOKEN =
  '<configuration><httpHeaders><property><name>Private-Token</name><value>t0ken</value></property></httpHeaders></configuration>';

/** A password as mvn encrypts it, with a master password of its user's. */
async function encrypted(): Promise<string> {
  const { direct, settings } = world;
  const security = join(settings, '..', 'settings-security.xml');
  // It resets the colours of a terminal even where there is none.
  const printed = async (...args: readonly string[]): Promise<string> =>
    /\{.+\}/.exec((await direct(['mvn', ...args])).stdout)?.[0] ?? '';
  write(
    security,
    `<settingsSecurity><master>${await printed('--encrypt-master-password', 'master')}</master></settingsSecurity>`,
  );
  return printed('--encrypt-password', SECRET);
}

/** Files below the sandbox in which one of these stands, but for what the user has written. */
function filesWith(...texts: readonly string[]): readonly string[] {
  const { sandbox, settings } = world;
  return readdirSync(sandbox.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => path !== settings)
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)));
}

describe.skipIf(!hasMaven)('A repository that wants to know who asks', { timeout: 480_000 }, () => {
  it.skipIf(!canUnshareNetwork())(
    'is asked with the password that mvn decrypts, which is nowhere else; what it has is there without a network',
    async () => {
      const { repository, through, direct, cut, local } = world;
      tellServer(`${USER}<password>${await encrypted()}</password>`);
      repository.guard('authorization', BASIC);
      const [first, second, without] = [local(), local(), local()];
      const cold = await through(mvn(first));
      expect([cold.code, cold.stderr], cold.stdout).toEqual([
        0,
        expect.stringContaining('6 artifacts · 6 upstream · 6 verified'),
      ]);
      expect(await direct(mvn(without))).toMatchObject({ code: 0 });
      expect(contentOf(first)).toEqual(contentOf(without));

      repository.requests.length = 0;
      expect(await through(mvn(second))).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('6 cache'),
      });
      expect(repository.requests).toEqual([]);
      expect(await cut(mvn(local()))).toMatchObject({ code: 0, stderr: expect.stringContaining('6 cache') });
      expect(filesWith('settingsSecurity')).toHaveLength(1);
      expect(filesWith(SECRET, BASIC.slice('Basic '.length))).toEqual([]);
      // Nobody else is given it.
      writeFileSync(
        world.settings,
        readFileSync(world.settings, 'utf8').replace(/<servers>.*<\/servers>/s, ''),
      );
      const other = await through(mvn(local()));
      expect([other.code, other.stdout]).toEqual([1, expect.stringMatching(/401|Unauthorized/i)]);
      // Nor another user.
      tellServer('<username>you</username><password>other</password>');
      const you = await through(mvn(local()));
      expect([you.code, you.stdout]).toEqual([1, expect.stringMatching(/401|Unauthorized|Not authorized/i)]);
    },
  );

  it('is asked so where it is the mirror of all', async () => {
    const { repository, settings, through, direct, local } = world;
    write(
      settings,
      `<settings><servers><server><id>inside</id>${USER}<password>${SECRET}</password></server></servers>
<mirrors><mirror><id>inside</id><mirrorOf>*</mirrorOf><url>${repository.url}</url></mirror></mirrors></settings>`,
    );
    repository.guard('authorization', BASIC);
    const [first, without] = [local(), local()];
    const { code, stdout, stderr } = await through(mvn(first));
    expect([code, stderr], stdout).toEqual([0, expect.stringContaining('6 upstream · 6 verified')]);
    expect(await direct(mvn(without))).toMatchObject({ code: 0 });
    expect(contentOf(first)).toEqual(contentOf(without));
  });

  it('is asked with the headers that settings have for it', async () => {
    const { repository, through, local } = world;
    tellServer(TOKEN);
    repository.guard('private-token', 't0ken');
    const { code, stdout, stderr } = await through(mvn(local()));
    expect([code, stderr], stdout).toEqual([0, expect.stringContaining('6 upstream · 6 verified')]);
    expect(repository.headers.every((headers) => !JSON.stringify(headers).includes('pyrsia'))).toBe(true);
  });

  it('does not give a jar with one flipped byte either', async () => {
    const { repository, through, local } = world;
    tellServer(`${USER}<password>${SECRET}</password>`);
    repository.guard('authorization', BASIC);
    const jar = Buffer.from(repository.files.get(`${EXTENSION}.jar`)!);
    jar[40]! ^= 1;
    repository.files.set(`${EXTENSION}.jar`, jar);
    const refused = await through(mvn(local()));
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('does not match its digest')]);
  });

  it('of which settings say nothing but how long to wait is asked as anybody asks it', async () => {
    const { repository, through, local } = world;
    tellServer('<configuration><timeout>6000</timeout></configuration>');
    expect(await through(mvn(local()))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('6 upstream · 6 verified'),
    });
    expect(repository.headers.some(({ authorization }) => authorization !== undefined)).toBe(false);
  });
});
