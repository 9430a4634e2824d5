import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCredential } from '../../src/shims/registry-credentials.ts';

let home: string;
let env: Record<string, string>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'credentials-'));
  env = { HOME: home, PATH: `${home}/bin:/usr/bin:/bin`, XDG_RUNTIME_DIR: join(home, 'run') };
});
afterEach(async () => rm(home, { recursive: true }));

function write(file: string, value: unknown): void {
  const path = join(home, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
}

/** A credential helper that remembers what it was asked. */
function helper(name: string, answers: Readonly<Record<string, string>>): void {
  const cases = Object.entries(answers).map(([asked, answer]) => `'${asked}') echo '${answer}' ;;`);
  write(
    `bin/docker-credential-${name}`,
    `#!/bin/sh\nread -r asked\necho "$1 $asked" >> ${home}/asked\ncase $asked in\n${cases.join('\n')}\n*) echo 'credentials not found'; exit 1 ;;\nesac\n`,
  );
  chmodSync(join(home, `bin/docker-credential-${name}`), 0o755);
}

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const credential = async (registry: string, repository = 'org/app') =>
  readCredential(registry, repository, { env, skip: [] });
/** Whose credential it is where registries.conf names these helpers. */
const of = async (registry: string, ...helpers: string[]) =>
  (await readCredential(registry, 'org/app', { env, skip: [], helpers }))?.username;
const me = { username: 'me', password: 'se:cret' };

describe('A credential', () => {
  it('is where docker keeps it', async () => {
    write('.docker/config.json', {
      auths: { 'images.example': auth('me:se:cret'), 'https://other.example/v1/': auth('q:q') },
    });
    expect(await credential('images.example')).toEqual(me);
    expect(await credential('other.example')).toEqual({ username: 'q', password: 'q' });
    expect(await credential('third.example')).toBeUndefined();
  });

  it("is docker's own registry's under its old name", async () => {
    write('docker/config.json', { auths: { 'https://index.docker.io/v1/': auth('me:se:cret') } });
    env['DOCKER_CONFIG'] = join(home, 'docker');
    expect(await credential('docker.io')).toEqual(me);
    expect(await credential('index.docker.io.example')).toBeUndefined();
  });

  it('is where podman keeps it, for a namespace before a registry', async () => {
    write('.docker/config.json', { auths: { 'other.example': auth('docker:x') } });
    write('run/containers/auth.json', {
      auths: { 'other.example': auth('all:x'), 'other.example/org': auth('me:se:cret') },
    });
    expect(await credential('other.example', 'org/app')).toEqual(me);
    expect(await credential('other.example', 'other/app')).toEqual({ username: 'all', password: 'x' });
    write('mine.json', { auths: { 'other.example': auth('mine:x') } });
    env['REGISTRY_AUTH_FILE'] = join(home, 'mine.json');
    expect(await credential('other.example', 'org/app')).toEqual({ username: 'mine', password: 'x' });
  });

  it('is a token by which others are got', async () => {
    write('.docker/config.json', { auths: { 'a.example': { ...auth('me:'), identitytoken: 'refresh' } } });
    expect(await credential('a.example')).toEqual({ username: '', password: 'refresh', isToken: true });
  });

  it('is asked of the helper of its registry', async () => {
    helper('mine', {
      'a.example': '{"Username":"me","Secret":"se:cret"}',
      'b.example': '{"Username":"<token>","Secret":"t"}',
    });
    write('.docker/config.json', {
      credHelpers: { 'a.example': 'mine', 'b.example': 'mine', 'c.example': 'mine' },
    });
    expect(await credential('a.example')).toEqual(me);
    expect(await credential('b.example')).toEqual({ username: '', password: 't', isToken: true });
    expect(await credential('c.example')).toBeUndefined();
    expect(await credential('d.example')).toBeUndefined();
    expect(readFileSync(join(home, 'asked'), 'utf8')).toBe('get a.example\nget b.example\nget c.example\n');
  });

  it('is asked of the store for all others', async () => {
    helper('store', { 'https://index.docker.io/v1/': '{"Username":"me","Secret":"se:cret"}' });
    write('.docker/config.json', { auths: { 'https://index.docker.io/v1/': {} }, credsStore: 'store' });
    expect(await credential('docker.io')).toEqual(me);
    expect(await credential('a.example')).toBeUndefined();
  });

  it('is asked of the helpers of registries.conf, in their order, before or after files', async () => {
    helper('first', { 'a.example': '{"Username":"first","Secret":"1"}' });
    helper('second', {
      'a.example': '{"Username":"second","Secret":"2"}',
      'b.example': '{"Username":"second","Secret":"2"}',
    });
    write('.docker/config.json', {
      auths: { 'a.example': auth('me:se:cret'), 'c.example': auth('me:se:cret') },
    });
    expect(await of('a.example', 'first', 'second', 'containers-auth.json')).toBe('first');
    expect(await of('b.example', 'first', 'second')).toBe('second');
    expect(await of('a.example', 'containers-auth.json', 'first')).toBe('me');
    expect(await of('c.example', 'first', 'containers-auth.json')).toBe('me');
    expect(await of('c.example', 'first')).toBeUndefined();
    expect(await of('a.example')).toBe('me');
  });

  it('is that of the one file that a call names', async () => {
    write('.docker/config.json', { auths: { 'a.example': auth('docker:x'), 'b.example': auth('docker:x') } });
    write('mine.json', { auths: { 'a.example': auth('me:se:cret') } });
    const file = join(home, 'mine.json');
    expect(await readCredential('a.example', 'app', { env, skip: [], file })).toEqual(me);
    expect(await readCredential('b.example', 'app', { env, skip: [], file })).toBeUndefined();
  });

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['an auth without a colon', { auths: { 'a.example': auth('me') } }],
    ['a helper that climbs', { credHelpers: { 'a.example': '../../x' } }],
    ['a helper that is not there', { credHelpers: { 'a.example': 'missing' }, credsStore: 'missing' }],
  ])('is in no file that is %s', async (_, config) => {
    write('.docker/config.json', config);
    expect(await credential('a.example')).toBeUndefined();
  });
});
