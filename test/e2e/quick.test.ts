/** Calls that a stand-in leads by itself: the agent was not asked, and serves, counts and refuses all the same. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Paths, pathsOf } from '../../src/paths.ts';
import { quickFile } from '../../src/shims/quick-file.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { RunOptions } from '../support/command.ts';
import { openWorld, type World } from './everyday-world.ts';

const left = makePackage({ name: 'left', version: '1.0.0' });
const LONG_AGO = new Date('2020-01-01');

let world: World;
let paths: Paths;
let dir: string;
beforeEach(async () => {
  world = await openWorld({ packages: [left], npmrc: { 'package-lock': false } });
  paths = pathsOf(world.sandbox.env);
  expect(await world.sandbox.pyrsia(['shim', 'install', 'npm', 'npx', '--no-path'])).toMatchObject({
    code: 0,
  });
  change({ PATH: [paths.shims, world.sandbox.env['PATH']].join(delimiter) });
  // What was changed in this very second is looked at each time.
  for (const file of [npmrc(), join(paths.config, 'config.json')]) utimesSync(file, LONG_AGO, LONG_AGO);

  dir = join(world.sandbox.root, 'here');
  mkdirSync(join(dir, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"name": "here", "version": "1.0.0"}');
  const told = join(dir, 'node_modules', '.bin', 'told');
  // Each launch that is running, by the third field of its file. Others may end meanwhile.
  const script = `for file in "\${npm_config_globalconfig%/*}"/*; do
    case "$file" in *.*) ;; *) { tr '\\0' '\\n' <"$file" | sed -n '3s/.*/[&]/p'; } 2>/dev/null ;; esac; done`;
  writeFileSync(told, `#!/bin/sh\n${script}\n`);
  chmodSync(told, 0o755);
}, 60_000);
afterEach(() => world[Symbol.asyncDispose]());

/** For all that runs from now on. */
const change = (env: Record<string, string>) => void Object.assign(world.sandbox.env, env);
const npmrc = () => join(world.sandbox.home, '.npmrc');
const run = (tool: string, args: readonly string[], options?: RunOptions) =>
  world.sandbox.run(tool, args, { cwd: dir, ...options });
const isOffered = (tool: string) => existsSync(quickFile(paths.runtime, tool));
/** Has a call go the slow way, which leaves an answer for the next one. */
async function ask(tool: string): Promise<void> {
  expect(await run(tool, tool === 'npm' ? ['view', 'left', 'version'] : ['told'])).toMatchObject({ code: 0 });
  await expect.poll(() => isOffered(tool), { timeout: 10_000 }).toBe(true);
  world.sandbox.freshNpmCache();
}

describe.runIf(process.platform === 'linux')('a stand-in that was told how', { timeout: 60_000 }, () => {
  it('asks nobody any more, until its user changes something', async () => {
    expect(await run('npx', ['told'])).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
    await ask('npx');
    const quick = await run('npx', ['told']);
    expect(quick).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\[[0-9a-f]{16}\]\n$/),
    });

    utimesSync(npmrc(), new Date(), new Date());
    expect(await run('npx', ['told'])).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
    utimesSync(npmrc(), LONG_AGO, LONG_AGO);
    expect(await run('npx', ['told'])).toMatchObject({ code: 0, stdout: quick.stdout });
    writeFileSync(join(dir, '.npmrc'), '');
    expect(await run('npx', ['told'])).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('fetches as others do: reported when the tool ends, explained right after it, and stored', async () => {
    await ask('npm');
    const env = { PYRSIA_REPORT: 'report.jsonl' };
    expect(await run('npm', ['install', 'left'], { env })).toMatchObject({ code: 0, stderr: '' });
    const [line, ...others] = world.sandbox.readReport(join(dir, 'report.jsonl'));
    expect({ line, others }).toMatchObject({ line: { purl: 'pkg:npm/left@1.0.0' }, others: [] });
    expect(await world.last()).toMatchObject({
      command: ['npm', 'install', 'left'],
      cwd: dir,
      totals: { artifacts: 1, upstream: 1 },
    });
    world.sandbox.freshNpmCache();
    rmSync(join(dir, 'node_modules'), { recursive: true });
    expect(await run('npm', ['install'])).toMatchObject({ code: 0, stderr: '' });
    expect(await world.last()).toMatchObject({ totals: { artifacts: 1, cache: 1 } });
    expect(readdirSync(join(paths.runtime, 'launch'))).toEqual([]);
  });

  it('obeys the variables of its own call', async () => {
    await ask('npm');
    const { code, stderr } = await run('npm', ['install', 'left'], { env: { PYRSIA_OFFLINE: '1' } });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Not in the cache: pkg:npm\/left@1\.0\.0 \(PYRSIA_OFFLINE=1\)/);
  });

  it('may be called by eight at once', async () => {
    await ask('npx');
    const all = await Promise.all(Array.from({ length: 8 }, () => run('npx', ['told'])));
    for (const { code, stdout, stderr } of all)
      expect({ code, stdout, stderr }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^(\[[0-9a-f]{16}\]\n)+$/),
        stderr: '',
      });
    await expect.poll(async () => (await world.status()).launches, { timeout: 10_000 }).toBe(0);
  });

  describe('the wrong thing', () => {
    let other: Registry;
    beforeEach(async () => (other = await startRegistry({ packages: [left] })));
    afterEach(() => other.close());

    it('is found out by the agent: nothing is fetched from whom it should not be', async () => {
      await ask('npm');
      world.registry.log.clear();
      // A file that was put in the place of another, with a time of its own.
      world.sandbox.npmrc({ registry: other.url });
      utimesSync(npmrc(), LONG_AGO, LONG_AGO);
      const misled = await run('npm', ['install', 'left']);
      expect(misled.code).not.toBe(0);
      expect(misled.stderr).toContain(
        "npm's configuration is not what its stand-in took it for: run npm again",
      );
      expect([...world.registry.log.all, ...other.log.all]).toEqual([]);

      expect(await run('npm', ['install', 'left'])).toMatchObject({ code: 0, stderr: '' });
      expect(other.log.tarballs()).toHaveLength(1);
      expect(world.registry.log.all).toEqual([]);
      expect(isOffered('npm')).toBe(false);
    });
  });

  it.each([
    ['is stopped', () => world.sandbox.pyrsia(['agent', 'stop'])],
    ['is killed', async () => process.kill((await world.status()).pid!, 'SIGKILL')],
    ['is told to end', async () => process.kill((await world.status()).pid!, 'SIGTERM')],
  ])('asks again when the agent %s', async (_, end) => {
    await ask('npx');
    const { pid } = await world.status();
    await end();
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    expect(await run('npx', ['told'])).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('keeps an agent that has nothing else to do', async () => {
    change({ PYRSIA_IDLE: '0' });
    const stay = await world.stay();
    await ask('npx');
    const { pid } = await world.status();
    // What has ended counts until that is noticed.
    const launches = async () => (await world.status()).launches;
    await expect.poll(launches, { timeout: 10_000 }).toBe(1);
    // Not what a shell does itself.
    const script = join(dir, 'node_modules', '.bin', 'linger');
    writeFileSync(script, '#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\n');
    chmodSync(script, 0o755);
    const waiting = run('npx', ['linger']);
    await expect.poll(launches, { timeout: 10_000 }).toBe(2);
    stay.running.kill();
    await stay.running.result;
    await expect.poll(launches, { timeout: 10_000 }).toBe(1);
    expect((await world.status()).pid).toBe(pid);
    writeFileSync(join(dir, 'go'), '');
    expect(await waiting).toMatchObject({ code: 0, stderr: '' });
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    expect(isOffered('npx')).toBe(false);
  });
});
