import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let home: Sandbox;
beforeEach(() => {
  home = openSandbox();
});
afterEach(() => home[Symbol.asyncDispose]());

const file = () => join(home.env['XDG_CONFIG_HOME']!, 'pyrsia', 'config.json');
const valueOf = async (key: string) => (await home.pyrsia(['config', 'get', key])).stdout.trim();

it('sets host, port and disk size singly and together, and shows them back', async () => {
  await home.pyrsia(['config', 'set', 'proxy.host', '127.0.0.2']);
  await home.pyrsia(['config', 'set', 'proxy.port=4873']);
  expect([await valueOf('proxy.host'), await valueOf('proxy.port')]).toEqual(['127.0.0.2', '4873']);

  const { code } = await home.pyrsia([
    'config',
    'set',
    'proxy.host',
    '127.0.0.3',
    'proxy.port',
    '4874',
    'cache.limit=5 GB',
  ]);
  expect(code).toBe(0);
  const { stdout } = await home.pyrsia(['config', 'ls']);
  expect(stdout).toMatch(/^proxy\.host +127\.0\.0\.3 +user +127\.0\.0\.1/m);
  expect(stdout).toMatch(/^proxy\.port +4874 +user +auto/m);
  expect(stdout).toMatch(/^cache\.limit +5 GB +user +auto/m);
});

it('says that a running agent keeps what it has read when it started', async () => {
  const set = async (...words: string[]) => (await home.pyrsia(['config', ...words])).stderr;
  expect(await set('set', 'upstream.timeout', '5s')).toBe('');
  await home.pyrsia(['cache', 'gc']);
  expect(await set('set', 'policy', 'locked', 'agent.idle', '1m')).toBe(
    'pyrsia: The running agent keeps its agent.idle; after pyrsia agent stop the next one has the new\n',
  );
  expect(await set('unset', 'policy')).toBe('');
  expect(await set('unset', 'upstream.timeout')).toContain('keeps its upstream.timeout');
});

it('gives three messages for three bad values, and changes nothing', async () => {
  await home.pyrsia(['config', 'set', 'policy', 'locked']);
  const before = readFileSync(file(), 'utf8');
  const bad = ['proxy.host', '0.0.0.0', 'proxy.port', '70000', 'cache.limit', 'lots', 'policy', 'strict'];
  const { code, stderr } = await home.pyrsia(['config', 'set', ...bad]);
  expect(code).toBe(2);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringContaining('proxy.host'),
    expect.stringContaining('proxy.port'),
    expect.stringContaining('cache.limit'),
  ]);
  expect(readFileSync(file(), 'utf8')).toBe(before);
});

it('goes back to the default', async () => {
  await home.pyrsia(['config', 'set', 'policy', 'strict']);
  await home.pyrsia(['config', 'unset', 'policy']);
  const { stdout } = await home.pyrsia(['config', 'get', 'policy', '--json']);
  expect(JSON.parse(stdout)).toEqual({ key: 'policy', value: 'observe', origin: 'default' });
});

it('lets the environment overrule the file, and says so', async () => {
  await home.pyrsia(['config', 'set', 'agent.idle', '5m']);
  const { stdout } = await home.pyrsia(['config', 'get', 'agent.idle', '--json'], {
    env: { PYRSIA_IDLE: '0' },
  });
  expect(JSON.parse(stdout)).toEqual({ key: 'agent.idle', value: '0', origin: 'environment' });
});

it('puts an edited file in force as it was written', async () => {
  const text = '{ "policy":   "locked" }';
  const editor = `printf '%s' '${text}' >`;
  const { code } = await home.pyrsia(['config', 'edit'], { env: { VISUAL: editor } });
  expect(code).toBe(0);
  expect(readFileSync(file(), 'utf8')).toBe(text);
});

it('keeps an edited text that is wrong, says why, and changes nothing until it is right', async () => {
  await home.pyrsia(['config', 'set', 'policy', 'locked']);
  const before = readFileSync(file(), 'utf8');
  const wrong = await home.pyrsia(['config', 'edit'], { env: { EDITOR: `printf '{"policy":"lax"}' >` } });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/Cannot set policy to "lax"/);
  expect(readFileSync(file(), 'utf8')).toBe(before);

  const right = await home.pyrsia(['config', 'edit'], { env: { EDITOR: 'sed -i s/lax/strict/' } });
  expect(right.code).toBe(0);
  expect(readFileSync(file(), 'utf8')).toBe('{"policy":"strict"}');
  expect(existsSync(join(file(), '..', 'config.edited.json'))).toBe(false);
});

it('changes nothing when the editor fails', async () => {
  const { code, stderr } = await home.pyrsia(['config', 'edit'], { env: { EDITOR: 'false' } });
  expect(code).toBe(2);
  expect(stderr).toMatch(/The editor "false" failed/);
  expect(existsSync(file())).toBe(false);
});

it('does not overwrite a file that it cannot read', async () => {
  await home.pyrsia(['config', 'set', 'policy', 'locked']);
  writeFileSync(file(), '{ broken');
  const { code, stderr } = await home.pyrsia(['config', 'set', 'policy', 'strict']);
  expect(code).toBe(2);
  expect(stderr).toContain(`Cannot read ${file()}`);
  expect(readFileSync(file(), 'utf8')).toBe('{ broken');
});
