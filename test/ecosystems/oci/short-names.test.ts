import { describe, expect, it } from 'vitest';
import { fullName } from '../../../src/ecosystems/oci/reference.ts';
import { imagesMeant, type ShortNameRules } from '../../../src/ecosystems/oci/short-names.ts';

const rules = {
  aliases: { fedora: 'registry.example/fedora', 'ubi/minimal': 'r.example/minimal' },
  search: ['a.example', 'docker.io'],
};
const meant = (text: string, of: ShortNameRules = rules) => imagesMeant(text, of)?.map(fullName);

describe('A short name of an image', () => {
  it.each([
    ['fedora', 'registry.example/fedora:latest'],
    ['fedora:41', 'registry.example/fedora:41'],
    [`fedora@sha256:${'0'.repeat(64)}`, `registry.example/fedora@sha256:${'0'.repeat(64)}`],
    ['ubi/minimal:9', 'r.example/minimal:9'],
  ])('%s is what its alias says, with its own version', (text, full) => {
    expect(meant(text)).toEqual([full]);
    expect(meant(text, { ...rules, shortNameMode: 'enforcing' })).toEqual([full]);
  });

  it('without an alias is looked for where the user says, in that order', () => {
    expect(meant('nginx:1')).toEqual(['a.example/nginx:1', 'docker.io/library/nginx:1']);
    expect(meant('org/app')).toEqual(['a.example/org/app:latest', 'docker.io/org/app:latest']);
    for (const shortNameMode of ['permissive', 'disabled'])
      expect(meant('nginx', { ...rules, shortNameMode })).toHaveLength(2);
  });

  it('that may mean several is not guessed where the user says so', () => {
    const enforcing = { ...rules, shortNameMode: 'enforcing' };
    expect(() => meant('nginx', enforcing)).toThrowError(
      expect.objectContaining({
        code: 'REFERENCE_MALFORMED',
        message: expect.stringContaining('a.example/nginx:latest or docker.io/library/nginx:latest'),
      }),
    );
    expect(meant('nginx', { ...enforcing, search: ['a.example'] })).toEqual(['a.example/nginx:latest']);
  });

  it("means docker's where nothing is said of it", () => {
    expect(meant('nginx', { aliases: {}, search: [] })).toBeUndefined();
    expect(meant('constructor', { aliases: {}, search: [] })).toBeUndefined();
  });

  it.each([
    'b.example/fedora',
    'localhost/fedora',
    'docker:fedora',
    'docker://fedora',
    'pkg:docker/fedora@1',
  ])('is none: %s', (text) => {
    expect(meant(text)).toBeUndefined();
  });
});
