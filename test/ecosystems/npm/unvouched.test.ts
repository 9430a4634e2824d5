import { describe, expect, it } from 'vitest';
import { digestOf, integrityOf } from '../../../src/content/digest.ts';
import { unvouched } from '../../../src/ecosystems/npm/unvouched.ts';

const UPSTREAM = new URL('https://registry.example/npm/');
const integrity = integrityOf(digestOf(Buffer.from('left'), 'sha512'));

/** What is left of the only version of `left`, of which a neighbour says this. */
function left(version: object, dist: object = {}): unknown {
  const said = {
    name: 'left',
    version: '1.0.0',
    dist: { integrity, tarball: 'https://elsewhere.example/left.tgz', ...dist },
    ...version,
  };
  const body = { name: 'left', 'dist-tags': { latest: '1.0.0', next: '2.0.0' }, versions: { '1.0.0': said } };
  const given = unvouched(Buffer.from(JSON.stringify(body)), '/left', UPSTREAM);
  return (JSON.parse(Buffer.from(given).toString()) as { versions: Record<string, unknown> }).versions[
    '1.0.0'
  ];
}

describe('a packument that nobody vouches for', () => {
  it('leads npm to this registry and nowhere else', () => {
    expect(left({ dependencies: { right: '^1.0.0' }, _resolved: 'https://elsewhere.example/' })).toEqual({
      name: 'left',
      version: '1.0.0',
      dependencies: { right: '^1.0.0' },
      dist: { integrity, tarball: 'https://registry.example/npm/left/-/left-1.0.0.tgz' },
    });
  });

  it.each(['', '*', 'latest', '>=1.2.3 <2 || ~3', 'npm:other@^1', 'npm:@scope/other@1.0.0', 'npm:other'])(
    'may have a dependency on %s',
    (wanted) => {
      expect(left({ dependencies: { right: wanted } })).toBeDefined();
    },
  );

  it.each([
    'https://elsewhere.example/right.tgz',
    'git+ssh://git@elsewhere.example/right.git',
    'elsewhere.example:right',
    'github:some/right',
    'some/right',
    'file:../right',
    '../right',
    '.',
    '~/right',
    '~',
    'right.tgz',
    'right.TAR.GZ',
    'c:\\right',
    'npm:https://elsewhere.example/right.tgz',
    'npm:other@https://elsewhere.example/right.tgz',
    7,
    null,
  ])('loses a version that has a dependency on %s', (wanted) => {
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies'])
      expect(left({ [kind]: { right: wanted } })).toBeUndefined();
  });

  it('loses a version whose bytes have no strong digest, and one that is another', () => {
    expect(left({}, { integrity: undefined, shasum: 'a'.repeat(40) })).toBeUndefined();
    expect(left({}, { integrity: integrityOf(digestOf(Buffer.from('left'), 'sha1')) })).toBeUndefined();
    expect(left({ name: 'right' })).toBeUndefined();
    expect(left({ version: '1.0.1' })).toBeUndefined();
  });

  it('has no tag for what it has not', () => {
    const body = { name: 'left', 'dist-tags': { latest: '1.0.0' }, versions: {} };
    const given = unvouched(Buffer.from(JSON.stringify(body)), '/left', UPSTREAM);
    expect(JSON.parse(Buffer.from(given).toString())).toEqual({
      name: 'left',
      'dist-tags': {},
      versions: {},
    });
  });

  it('is refused where it is about another package, or is none', () => {
    for (const body of ['{"name":"right"}', '[]', 'left', ''])
      expect(() => unvouched(Buffer.from(body), '/left', UPSTREAM)).toThrow('/left');
  });
});
