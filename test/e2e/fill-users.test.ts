/** npm of one user and the agent of another: neither fills for the other, whoever of the two is root. */
import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { start } from '../support/command.ts';
import { asUser, unprivileged, type User } from '../support/user.ts';
import { type FilledWorld, npmContentIn, openFilledWorld } from './filled-world.ts';

const someone = unprivileged();
const other = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;
const root: User = { name: 'root', uid: 0, gid: 0 };
const specs = [{ name: 'left', version: '1.0.0' }];

/** Installs as `user` in the environment of the world's user, with a project and an npm cache of their own. */
async function installAs(user: User, { sandbox, project }: FilledWorld) {
  const home = join(sandbox.root, `home-of-${user.name}`);
  const [cwd, cache] = ['project', 'npm'].map((name) => join(home, name)) as [string, string];
  mkdirSync(cache, { recursive: true });
  execFileSync('cp', ['-r', project.dir, cwd]);
  execFileSync('cp', [join(sandbox.home, '.npmrc'), home]);
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, home]);
  chmodSync(sandbox.root, 0o755);
  const command = sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']);
  const env = {
    ...sandbox.env,
    PYRSIA_FILL: 'link',
    npm_config_cache: cache,
    npm_config_userconfig: join(home, '.npmrc'),
  };
  const done = await start(asUser(user, command), { cwd, env }).result;
  const files = globSync('*/*/*', { cwd: npmContentIn(cache) }).map((name) =>
    statSync(join(npmContentIn(cache), name)),
  );
  return { ...done, files };
}

describe.runIf(other)('npm', { timeout: 120_000 }, () => {
  it.each([
    // Root can read the cache of a user, and starts an agent that does.
    ['root', /^pyrsia: 1 package · 1 cache · 1 copied into npm's cache/m],
    ['a user', /^pyrsia: .*; npm runs without pyrsia \(pyrsia doctor\)$/m],
  ])('of %s is not served by the agent of the other, and shares no file with it', async (whose, said) => {
    const [owner, caller] = whose === 'root' ? [other!, root] : [root, other!];
    await using world = await openFilledWorld(specs, { user: owner });
    const { code, stderr, files } = await installAs(caller, world);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(said);
    expect(files).toMatchObject([{ nlink: 1, uid: caller.uid }]);
    expect(statSync(world.oursOf(world.made[0]!))).toMatchObject({ nlink: 1, uid: owner.uid });
  });

  it('of root leaves a cache of root’s, which the agent of its user does not fill', async () => {
    await using world = await openFilledWorld(specs, { user: other! });
    const cache = world.sandbox.freshNpmCache();
    const content = join(npmContentIn(cache), 'aa');
    mkdirSync(content, { recursive: true }); // By root, as sudo does it.
    const { code } = await world.run(['ci']);
    const { fill } = await world.last();
    expect(fill).toMatchObject({ linked: 0, problem: expect.stringContaining('belongs to user 0') });
    // npm itself stops there, too.
    expect(code).toBe((await world.run(['ci'], { env: { PYRSIA_FILL: 'off' } })).code);
  });
});
