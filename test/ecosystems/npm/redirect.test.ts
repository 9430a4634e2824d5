import { describe, expect, it } from 'vitest';
import type { Replacing, ToolCall } from '../../../src/ecosystems/ecosystem.ts';
import { pastUs, redirect } from '../../../src/ecosystems/npm/redirect.ts';

const own = { upstream: 'https://npm.corp.example/', base: 'http://127.0.0.1:4001/' };
const call = (more: Partial<ToolCall> = {}): ToolCall => ({
  args: [],
  leading: [own],
  besides: [],
  credential: 'ID',
  globalConfig: '',
  lockedHosts: [],
  replacedHost: 'public.example',
  pathOf: (file) => `/launch/${file}`,
  ...more,
});
const replaced = (lockedHosts: readonly string[], more: Partial<ToolCall> = {}) =>
  redirect(call({ lockedHosts, ...more })).env['npm_config_replace_registry_host'];

const noproxy = (unproxied: string) => redirect(call({ unproxied })).env['npm_config_noproxy'];

describe('npm is led to us', () => {
  it('by a variable for each registry and a file with the credential for each base', () => {
    const acme = { upstream: 'https://acme.example/npm/', base: 'http://127.0.0.1:4002/', scope: '@acme' };
    expect(redirect(call({ leading: [own, acme], globalConfig: 'loglevel=silly\n[section]\n' }))).toEqual({
      env: {
        npm_config_registry: own.base,
        'npm_config_@acme:registry': acme.base,
        npm_config_globalconfig: '/launch/npmrc',
        npm_config_replace_registry_host: 'npm.corp.example',
      },
      files: {
        npmrc:
          '//127.0.0.1:4001/:_authToken=ID\n//127.0.0.1:4002/:_authToken=ID\nloglevel=silly\n[section]\n',
      },
    });
  });

  it('not at all when no registry is ours to serve', () => {
    expect(redirect(call({ leading: [] }))).toEqual({ env: {} });
  });

  it('past the proxy that it is configured with', () => {
    expect(noproxy('')).toBe('127.0.0.1');
    expect(noproxy('.corp.example,localhost')).toBe('.corp.example,localhost,127.0.0.1');
  });

  it('not for a scope that npm would misread in a variable', () => {
    const scopes = ['@my_scope', '@Acme'].map((scope) => ({ ...own, scope }));
    expect(redirect(call({ leading: [own, ...scopes] })).env).toEqual({
      npm_config_registry: own.base,
      npm_config_globalconfig: '/launch/npmrc',
      npm_config_replace_registry_host: 'npm.corp.example',
    });
  });
});

describe('A lockfile', () => {
  const prefixed = { leading: [{ ...own, upstream: 'https://npm.corp.example/api/npm/' }] };

  it("that names the user's own registry has that replaced", () => {
    expect(replaced(['npm.corp.example'])).toBe('npm.corp.example');
    expect(replaced(['npm.corp.example', 'else.example'])).toBe('npm.corp.example');
    expect(replaced(['npm.corp.example'], prefixed)).toBe('https://npm.corp.example/api/npm');
  });

  it('that names it and the public one, and no other, has every host replaced', () => {
    expect(replaced(['public.example', 'npm.corp.example'])).toBe('always');
  });

  it('of any other mixture is left as it is', () => {
    expect(replaced(['public.example', 'npm.corp.example', 'else.example'])).toBeUndefined();
    expect(replaced(['public.example', 'npm.corp.example'], prefixed)).toBeUndefined();
    expect(replaced(['public.example'])).toBeUndefined();
  });

  it('that names neither, or is not there, has the tarballs of new packages replaced', () => {
    expect(replaced([])).toBe('npm.corp.example');
    expect(replaced(['else.example'])).toBe('npm.corp.example');
    expect(replaced([], prefixed)).toBe('https://npm.corp.example/api/npm');
  });

  it('is left as it is where npm could not tell the registry from another one', () => {
    const acme = {
      upstream: 'https://npm.corp.example:8443/',
      base: 'http://127.0.0.1:4002/',
      scope: '@acme',
    };
    expect(replaced(['npm.corp.example'], { leading: [own, acme] })).toBeUndefined();
    expect(
      replaced(['npm.corp.example'], { besides: ['https://npm.corp.example/private/'] }),
    ).toBeUndefined();
    expect(replaced(['npm.corp.example', 'npm.corp.example:8443'])).toBeUndefined();
    expect(replaced([], { ...prefixed, besides: ['https://npm.corp.example/api/other/'] })).toBeDefined();
    expect(
      replaced(['public.example', 'npm.corp.example'], { besides: ['https://acme.example/'] }),
    ).toBeUndefined();
  });

  it('is left as it is for a mirror whose documents leave the public host in place', () => {
    expect(replaced([], { artifactHost: 'public.example' })).toBeUndefined();
    expect(replaced([], { artifactHost: 'npm.corp.example' })).toBeDefined();
    expect(replaced([])).toBeDefined();
  });

  it('is left as it is where npm replaces the host by itself, and where the user has said otherwise', () => {
    expect(replaced(['npm.corp.example'], { replacedHost: 'npm.corp.example' })).toBeUndefined();
    const { replacedHost: _, ...without } = call({ lockedHosts: ['npm.corp.example'] });
    expect(redirect(without).env).not.toHaveProperty('npm_config_replace_registry_host');
  });
});

describe('What a lockfile has', () => {
  const registries = [{ url: own.upstream }];
  const past = (
    address: string,
    {
      replaced: host,
      registries: all = registries,
      ...more
    }: Partial<Replacing> & { replaced?: string } = {},
  ): string | undefined =>
    pastUs(
      {
        env: {
          npm_config_registry: own.base,
          ...(host && { npm_config_replace_registry_host: host }),
        },
      },
      { replaces: 'public.example', isUsers: false, registries: all, ...more },
      new URL(address),
    );

  it.each([
    ['at the host that npm replaces by itself', 'https://public.example/left/-/left-1.0.0.tgz', {}],
    ['at any port of it', 'http://public.example:8080/left/-/left-1.0.0.tgz', {}],
    ['at the host that we name', 'https://npm.corp.example/left.tgz', { replaced: 'npm.corp.example' }],
    ['anywhere, where all are replaced', 'https://else.example/left.tgz', { replaced: 'always' }],
    ['anywhere, where the user says that', 'https://else.example/left.tgz', { replaces: 'always' }],
    [
      'where the user says, by host and port',
      'http://localhost:4873/left.tgz',
      { replaces: 'localhost:4873' },
    ],
    [
      'below the path that we name, for an npm that reads it',
      'https://npm.corp.example/api/npm/left.tgz',
      { replaced: 'https://npm.corp.example/api/npm', version: '11.18.0' },
    ],
  ])('comes through us %s', (_, address, more) => expect(past(address, more)).toBeUndefined());

  it.each([
    ['elsewhere', 'https://else.example/left.tgz', {}, 'one host'],
    [
      'at the host that was replaced before',
      'https://public.example/left.tgz',
      { replaced: 'npm.corp.example' },
      'one host',
    ],
    [
      'where nothing is replaced',
      'https://public.example/left.tgz',
      { replaces: 'never', isUsers: true },
      'configured',
    ],
    [
      'below another path',
      'https://npm.corp.example/api/npm-other/left.tgz',
      { replaced: 'https://npm.corp.example/api/npm', version: '12.0.0' },
      'one host',
    ],
    [
      'below a path, for an npm that does not read it',
      'https://npm.corp.example/api/npm/left.tgz',
      { replaced: 'https://npm.corp.example/api/npm', version: '11.17.9' },
      'npm 11.18.0 and later can be led from a registry below a path, npm 11.17.9 cannot',
    ],
    [
      'at the registry of a scope',
      'https://acme.example/left.tgz',
      { registries: [...registries, { url: 'https://acme.example/', scope: '@acme' }] },
      "it is @acme's registry",
    ],
  ])('goes past us %s', (_, address, more, reason) => expect(past(address, more)).toContain(reason));

  it('goes past us where npm is not led', () => {
    const replacing = { replaces: 'always', isUsers: true, registries };
    expect(pastUs({ env: {} }, replacing, new URL('https://public.example/left.tgz'))).toBeDefined();
  });

  it('can be led from all hosts where there is one registry, and that has no path', () => {
    const remedy = 'npm config set replace-registry-host always';
    expect(past('https://else.example/left.tgz')).toContain(
      `if ${own.upstream} has the same packages, \`${remedy}`,
    );
    for (const others of [
      [{ url: 'https://npm.corp.example/api/' }],
      [...registries, { url: 'https://acme.example/', scope: '@acme' }],
    ])
      expect(past('https://else.example/left.tgz', { registries: others })).not.toContain(remedy);
  });
});
