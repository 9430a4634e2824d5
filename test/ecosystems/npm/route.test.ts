import { describe, expect, it } from 'vitest';
import { integrityOf } from '../../../src/content/digest.ts';
import { route } from '../../../src/ecosystems/npm/route.ts';

const tarball = '/lodash/-/lodash-4.17.21.tgz';
const abbreviated = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

const claimed = (integrity: string) => route('GET', tarball, '', { 'pacote-integrity': integrity });

describe('A request of npm', () => {
  it('claims the digest that its lockfile has, the strongest of several', () => {
    const strong = `sha512:${'ab'.repeat(64)}` as const;
    const weak = `sha1:${'cd'.repeat(20)}` as const;
    expect(claimed(integrityOf(strong))).toMatchObject({ claimed: strong });
    expect(claimed(`${integrityOf(weak)} ${integrityOf(strong)}`)).toMatchObject({ claimed: strong });
    expect(claimed(integrityOf(weak))).toMatchObject({ claimed: weak });
    expect(claimed('nonsense')).not.toHaveProperty('claimed');
  });

  it('is for the abbreviated packument when it accepts that, for the full one otherwise', () => {
    expect(route('GET', '/lodash', '', { accept: abbreviated })).toMatchObject({ accept: abbreviated });
    expect(route('GET', '/lodash', '', { accept: 'application/vnd.npm.install-v1+json' })).toMatchObject({
      accept: abbreviated,
    });
    expect(route('GET', '/lodash', '', { accept: 'application/json' })).toMatchObject({
      accept: 'application/json',
    });
    expect(route('GET', '/lodash', '', { accept: '*/*' })).toMatchObject({ accept: 'application/json' });
    expect(route('GET', '/lodash', '', {})).toMatchObject({ accept: 'application/json' });
  });

  it('for a scoped packument is one request, however the scope is spelled', () => {
    for (const path of ['/@acme/widget', '/@acme%2fwidget', '/@acme%2Fwidget', '/%40acme%2fwidget']) {
      expect(route('HEAD', path, '', {})).toMatchObject({ what: '@acme/widget', path: '/@acme%2fwidget' });
    }
  });

  it('for a document with a query is not answered from anything kept', () => {
    expect(route('GET', '/lodash', 'write=true', {})).toEqual({ kind: 'passthrough' });
  });

  it('for a tarball is for that version whatever the query, which would else get round what is remembered', () => {
    expect(route('GET', tarball, 'x=1', {})).toMatchObject({
      kind: 'artifact',
      coordinates: { name: 'lodash', version: '4.17.21' },
    });
  });

  it('for a tarball at an address that tells no version is nameless', () => {
    const asTarball = { 'pacote-req-type': 'tarball' };
    for (const path of ['/lodash/-/lodash-v4.17.21.tgz', '/lodash/archive/4.tar.gz', '/a/b/c/d.tgz']) {
      expect(route('GET', path, '', {})).toEqual({ kind: 'passthrough', nameless: path });
    }
    const path = '/download/@acme/widget/1.0.0/f00d';
    expect(route('GET', path, 'token=x', asTarball)).toEqual({ kind: 'passthrough', nameless: path });
    expect(route('GET', path, '', {})).toEqual({ kind: 'passthrough' });
  });

  it('may post a question for security advice, and nothing else', () => {
    for (const path of ['advisories/bulk', 'audits', 'audits/quick']) {
      expect(route('POST', `/-/npm/v1/security/${path}`, '', {})).toEqual({ kind: 'passthrough' });
    }
    expect(route('POST', '/-/npm/v1/security/audits/quick/more', '', {})).toMatchObject({ kind: 'refused' });
    expect(route('POST', '/-/npm/v1/tokens', '', {})).toMatchObject({ kind: 'refused' });
    expect(route('PUT', '/-/user/org.couchdb.user:me', '', {})).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['/a/../b', '..'],
    ['/%2e%2e/b', '..'],
    ['/a%00b', 'NUL'],
    ['/a%5cb', 'backslash'],
    ['/a%0ab', 'control character'],
    ['/%EF%BD%85xpress', 'ASCII'],
    ['/a%252fb', 'encoded twice'],
    ['/a%2fb', 'slash'],
    ['/a%', 'escape'],
    ['/a//b', 'empty segment'],
  ])('for %s is refused with a word on its %s', (path, word) => {
    expect(route('GET', path, '', {})).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(word),
    });
  });
});
