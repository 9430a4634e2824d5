import { describe, expect, it } from 'vitest';
import { artifactHost, check, digest, select } from '../../../src/ecosystems/npm/documents.ts';

const sha512 = (byte: number) => `sha512-${Buffer.alloc(64, byte).toString('base64')}`;
const coordinates = { ecosystem: 'npm', name: 'widget', version: '1.0.0' } as const;
const bytes = (document: unknown) => Buffer.from(JSON.stringify(document));

function packument(versions: Record<string, object>, tags: Record<string, string> = {}) {
  const listed = Object.entries(versions).map(
    ([version, more]) => [version, { name: 'widget', version, ...more }] as const,
  );
  return bytes({ name: 'widget', 'dist-tags': tags, versions: Object.fromEntries(listed) });
}

describe('The digest that a document names', () => {
  it('is the integrity rather than the shasum', () => {
    const dist = { shasum: 'a'.repeat(40), integrity: sha512(1) };
    expect(digest(packument({ '1.0.0': { dist } }), coordinates)).toBe(`sha512:${'01'.repeat(64)}`);
  });

  it('is the shasum of an old version that has nothing else', () => {
    const dist = { shasum: 'A'.repeat(40) };
    expect(digest(packument({ '1.0.0': { dist } }), coordinates)).toBe(`sha1:${'a'.repeat(40)}`);
  });

  it('is none where there is none, or none that can be checked', () => {
    expect(digest(packument({ '1.0.0': {} }), coordinates)).toBeUndefined();
    expect(digest(packument({ '1.0.0': { dist: {} } }), coordinates)).toBeUndefined();
    expect(
      digest(packument({ '1.0.0': { dist: { integrity: 'md5-xxxx', shasum: 'z' } } }), coordinates),
    ).toBeUndefined();
    expect(digest(packument({ '1.0.0': { dist: 'text' } }), coordinates)).toBeUndefined();
    expect(digest(Buffer.from('<html>'), coordinates)).toBeUndefined();
  });

  it('is none where a version is listed that says it is another', () => {
    const dist = { integrity: sha512(1) };
    expect(digest(packument({ '1.0.0': { version: '2.0.0', dist } }), coordinates)).toBeUndefined();
    expect(digest(packument({ '1.0.0': { name: 'gadget', dist } }), coordinates)).toBeUndefined();
  });

  it('is the one that JSON.parse would find, of two', () => {
    const twice = `{"name":"widget","version":"1.0.0","dist":{"integrity":"${sha512(1)}"},"dist":{"integrity":"${sha512(2)}"}}`;
    expect(digest(Buffer.from(twice), coordinates)).toBe(`sha512:${'02'.repeat(64)}`);
  });
});

const wanted = (of: string, from: Buffer) =>
  select(from, { ecosystem: 'npm', name: 'widget', wanted: of })?.coordinates.version;

describe('The host at which artifacts lie', () => {
  it('is that of a tarball that the packument names, with its port', () => {
    expect(artifactHost(naming('https://host.example:8443/a/-/a-1.0.0.tgz'))).toBe('host.example:8443');
  });

  it('is not known where none is named that can be read', () => {
    for (const body of [naming('nonsense'), naming(7), Buffer.from('{}'), Buffer.from('{"versions":')]) {
      expect(artifactHost(body)).toBeUndefined();
    }
  });
});

describe('The version that a packument offers', () => {
  const deprecated = 'use something else';
  const many = packument(
    { '1.0.0': {}, '1.1.0': {}, '1.2.0': { deprecated }, '2.0.0-rc.1': {} },
    { latest: '1.0.0', next: '2.0.0-rc.1' },
  );

  it.each([
    ['latest', '1.0.0'],
    ['next', '2.0.0-rc.1'],
    ['1.1.0', '1.1.0'],
    ['v1.1.0', '1.1.0'],
    ['^1.0.0', '1.0.0'],
    ['>=1.1.0', '1.1.0'],
    ['1.2', '1.2.0'],
    ['>=2.0.0-0', '2.0.0-rc.1'],
    ['*', '1.0.0'],
    ['^3', undefined],
    ['beta', undefined],
    ['hasOwnProperty', undefined],
  ])('for %s is %s', (range, version) => {
    expect(wanted(range, many)).toBe(version);
  });

  it('is the highest where latest is deprecated or does not exist', () => {
    const versions = { '1.0.0': { deprecated }, '0.9.0': {}, '0.10.0': {} };
    expect(wanted('*', packument(versions, { latest: '1.0.0' }))).toBe('0.10.0');
    expect(wanted('*', packument(versions, { latest: '7.0.0' }))).toBe('0.10.0');
  });

  it('is an error in what is no document', () => {
    expect(() => wanted('1', Buffer.from('{"name":'))).toThrowError(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });
});

describe('A document that came', () => {
  it.each([
    ['/widget', 'widget'],
    ['/widget/1.0.0', 'widget'],
    ['/@acme%2fwidget', '@acme/widget'],
    ['/@acme%2Fwidget/latest', '@acme/widget'],
  ])('for %s has to be about %s, if it says what it is about', (path, name) => {
    expect(() => check(bytes({ name }), 'it', path)).not.toThrow();
    expect(() => check(bytes({ ok: true }), 'it', path)).not.toThrow();
    for (const other of ['gadget', '@evil/widget', `${name}x`]) {
      expect(() => check(bytes({ name: other }), 'it', path)).toThrow(`it is about "${other}"`);
    }
  });
});

function naming(tarball: unknown): Buffer {
  return Buffer.from(JSON.stringify({ name: 'a', versions: { '1.0.0': { dist: { tarball } } } }));
}
