/**
 * Names that mean one thing to us and another to upstream: asked at the proxy's own port, and by npm from a
 * lockfile.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { ask } from '../support/ask.ts';
import { openWorld } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

/** Prints what the registry that npm was led to says to each of the paths in its arguments, unnormalised. */
const SCRIPT = `
const { readFileSync } = require('node:fs');
const { request } = require('node:http');
const { hostname, port } = new URL(process.env.npm_config_registry);
const [, token] = /:_authToken=(\\S+)/.exec(readFileSync(process.env.npm_config_globalconfig, 'utf8'));
for (const path of process.argv.slice(2)) {
  request({ hostname, port, path, headers: { authorization: 'Bearer ' + token } }, (response) => {
    let text = '';
    response.on('data', (data) => (text += data));
    response.on('end', () => console.log(JSON.stringify({ path, status: response.statusCode, text })));
  }).end();
}`;

describe('A path that could be read in two ways', { timeout: 60_000 }, () => {
  it('is refused before anybody is asked', async () => {
    await using world = await openWorld({ packages: [makePackage({ name: 'left', version: '1.0.0' })] });
    const { registry, sandbox, through } = world;
    const paths = [
      '/../etc/passwd',
      '/left/../../etc/passwd',
      '/left/-/../../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/left/-/..%2f..%2fevil%2f-%2fevil-1.0.0.tgz',
      '/left/-/left-1.0.0.tgz%00',
      '/left%00evil',
      '/l%D0%B5ft',
      '/l%D0%B5ft/-/l%D0%B5ft-1.0.0.tgz',
      '/left/-/left-1.0.0%2Etgz%252f..',
      '/%256ceft',
      '/left%5c..%5cevil',
      '//left',
      '/left//-/left-1.0.0.tgz',
      '/left%0d%0aHost:%20evil',
      '/left%3Fwrite=true',
      '/@a%2f..%2fleft',
      '/left/%',
    ];
    const { dir } = await sandbox.project({ lockfile: 'none', files: { 'asks.cjs': SCRIPT } });
    const { code, stdout, stderr } = await through(['node', 'asks.cjs', ...paths, '/left'], { cwd: dir });
    expect(code, stderr).toBe(0);
    const replies = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; status: number; text: string });
    expect(replies).toHaveLength(paths.length + 1);
    for (const { path, status, text } of replies) {
      expect([path, status]).toEqual([path, path === '/left' ? 200 : 403]);
      if (status === 403) expect((JSON.parse(text) as { error: string }).error).toMatch(/^The path /);
    }
    expect(registry.log.all.map(({ url }) => url)).toEqual(['/left']);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('is nothing to those who show no launch’s id, whatever it is', async () => {
    await using world = await openWorld({ packages: [makePackage({ name: 'left', version: '1.0.0' })] });
    const { base, authorization } = await world.stay();
    const headers = { authorization };
    expect(await ask(`${base}left`, { headers })).toMatchObject({ status: 200 });
    world.registry.log.clear();
    expect(await ask(`${base}left`)).toMatchObject({ status: 401 });
    expect(await ask(`${base}left`, { headers: { authorization: 'Bearer ../../etc/passwd' } })).toMatchObject(
      {
        status: 401,
      },
    );
    expect(await ask(`${base}left`, { headers, method: 'PUT', body: '{}' })).toMatchObject({ status: 403 });
    expect(world.registry.log.all).toEqual([]);
  });
});

describe('A lockfile whose `resolved` leads astray', { timeout: 60_000 }, () => {
  it('fails, and upstream is asked for nothing that it did not name', async () => {
    const made = await makePackage({ name: 'left', version: '1.0.0' });
    await using world = await openWorld({ packages: [made], npmrc: { 'fetch-retries': 2 } });
    const { registry, sandbox, afresh } = world;
    const cases = [
      ['left/-/..%2f..%2f..%2fetc%2fpasswd', /E403[^]*The path (hides a slash|climbs)/],
      ['left/-/left-1.0.0.tgz%00', /E403[^]*The path holds a NUL/],
      ['lеft/-/lеft-1.0.0.tgz', /E403[^]*The path holds a character that is not ASCII/],
      ['left/-/left-1.0.0%252etgz', /E403[^]*The path is encoded twice/],
      ['../../../etc/-/passwd-1.0.0.tgz', /E404/],
    ] as const;
    for (const [path, says] of cases) {
      const { dir: cwd, installed } = await sandbox.project(
        lockedTo(registry, [made], { resolved: `${registry.url}${path}` }),
      );
      registry.log.clear();
      const { code, stderr } = await afresh(['npm', 'ci'], { cwd });
      expect(code, `${path}\n${stderr}`).toBe(1);
      expect(stderr, path).toMatch(says);
      expect(installed).toThrow('ENOENT');
      const asked = registry.log.all.map(({ url }) => url);
      expect(asked.filter((url) => url !== '/etc/-/passwd-1.0.0.tgz' && url !== '/left')).toEqual([]);
    }
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});
