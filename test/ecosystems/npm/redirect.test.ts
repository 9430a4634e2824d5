import { describe, expect, it } from 'vitest';
import type { ToolCall } from '../../../src/ecosystems/ecosystem.ts';
import { redirect } from '../../../src/ecosystems/npm/redirect.ts';

const own = { upstream: 'https://npm.corp.example/', base: 'http://127.0.0.1:4001/' };
const call = (more: Partial<ToolCall> = {}): ToolCall => ({
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
