import { createHash } from 'node:crypto';
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/content/digest.ts';
import type { InstallTerms } from '../../../src/ecosystems/ecosystem.ts';
import { besidesIn, lockedBy, pinnedBy } from '../../../src/ecosystems/npm/lockfile.ts';

const terms: InstallTerms = { omit: [], os: 'linux', cpu: 'x64', libc: 'glibc' };
const hash = (text: string): string => `sha512-${createHash('sha512').update(text).digest('base64')}`;
const digest = (text: string): Digest => `sha512:${createHash('sha512').update(text).digest('hex')}`;
const url = (name: string, version = '1.0.0'): string =>
  `https://registry.example/${name}/-/${name.split('/').pop()}-${version}.tgz`;
const entry = (name: string, more: Record<string, unknown> = {}) => ({
  version: '1.0.0',
  resolved: url(name),
  integrity: hash(name),
  ...more,
});
/** Everything, by a project that depends on it all. */
const root = (packages: unknown) => ({
  name: 'project',
  dependencies: Object.fromEntries(
    Object.keys(packages ?? {}).map((path) => [path.replace(/^node_modules\//, ''), '*']),
  ),
});
const lock = (packages: unknown, lockfileVersion: unknown = 3): string =>
  JSON.stringify({
    name: 'project',
    lockfileVersion,
    packages: Array.isArray(packages) ? packages : { '': root(packages), ...Object(packages) },
  });
const names = (packages: unknown, more: Partial<InstallTerms> = {}): string[] =>
  pinnedBy(lock(packages), { ...terms, ...more }).flatMap((each) => each.packages.map(({ name }) => name));
/** A lockfile that pins left, with more text among its entries and behind them. */
const textWith = (within: string, behind: string): string =>
  `{"lockfileVersion":3,"packages":{"":{"dependencies":{"left":"*"}},"node_modules/left":${JSON.stringify(entry('left'))}${within}}${behind}}`;
const many = (parts: number, part: (n: number) => string): string =>
  Array.from({ length: parts }, (_, n) => part(n)).join(',');

const taken = (packages: unknown, more: Partial<InstallTerms> = {}) =>
  lockedBy(lock(packages), { ...terms, ...more });

/** A lockfile by what each entry depends on, and more about some. */
const tree = (depends: Record<string, readonly string[]>, more: Record<string, unknown> = {}) =>
  Object.fromEntries(
    Object.entries(depends).map(([path, wanted]) => [
      path,
      {
        ...(path.includes('node_modules/') ? entry(path) : {}),
        dependencies: Object.fromEntries(wanted.map((name) => [name, '*'])),
        ...Object(more[path]),
      },
    ]),
  );
const reached = (...args: Parameters<typeof tree>): string[] =>
  pinnedBy(lock(tree(...args)), terms).map(({ packages: [first] }) =>
    new URL(first!.resolved!).pathname.replace(/^\/(node_modules\/)?|\/-\/.*/g, ''),
  );

const linked = (path: string) => ({ link: true, resolved: path });
const inner = (depth: number): string => Array.from({ length: depth }, () => 'node_modules/a').join('/');
/** Entries of one and the same digest. */
const named = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`node_modules/a${n}`, entry(`a${n}`, { integrity: hash('a') })]),
  );

describe('A lockfile pins', () => {
  it('what it names with digest and address, each content once', () => {
    const found = pinnedBy(
      lock({
        'node_modules/left': entry('left'),
        'node_modules/@acme/right': entry('@acme/right'),
        'node_modules/right/node_modules/left': entry('left'),
        'node_modules/alias': { ...entry('real'), name: 'real' },
      }),
      terms,
    );
    expect(found).toEqual(
      ['left', '@acme/right', 'real'].map((name) => ({
        digest: digest(name),
        packages: [{ name, version: '1.0.0', resolved: url(name) }],
      })),
    );
  });

  it.each([
    ['a link', { link: true }],
    ['what is bundled', { inBundle: true }],
    ['what is left over', { extraneous: true }],
    ['git', { resolved: 'git+ssh://git@host.example/left.git#abc' }],
    ['a file', { resolved: 'file:left-1.0.0.tgz' }],
    ['what has no address, which npm asks for by name', { resolved: undefined }],
    ['an address that is none', { resolved: 7 }],
    ['what has no digest', { integrity: undefined }],
    ['a weak digest', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['a digest cut short', { integrity: hash('left').slice(0, 60) }],
    ['two digests', { integrity: `${hash('left')} ${hash('right')}` }],
    ['a digest with more in it', { integrity: `${hash('left')}?x` }],
    ['a digest that is none', { integrity: ['x'] }],
    ['no version', { version: undefined }],
    ['a range', { version: '^1.0.0' }],
    ['a version that climbs', { version: '../1.0.0' }],
    ['a name that climbs', { name: '../../left' }],
    ['a name that is none', { name: { left: 1 } }],
  ])('not %s', (_, more) => {
    expect(names({ 'node_modules/left': entry('left', more) })).toEqual([]);
  });

  it.each([
    'node_modules/..',
    'node_modules/../..',
    'node_modules/',
    'packages/left',
    '__proto__',
    'constructor',
  ])('nothing at the path %s', (path) => {
    const text = lock({}).replace('{}', `{${JSON.stringify(path)}:${JSON.stringify(entry('left'))}}`);
    expect(pinnedBy(text, terms)).toEqual([]);
  });

  it.each([
    ['version 1', lock({ 'node_modules/left': entry('left') }, 1)],
    ['a version that is no number', lock({ 'node_modules/left': entry('left') }, '3')],
    ['no version', '{"packages":{}}'],
    ['packages in a list', lock([entry('left')])],
    ['a list', '[]'],
    ['nothing', ''],
    ['what is cut short', lock({ 'node_modules/left': entry('left') }).slice(0, -3)],
    [
      'entries that are none',
      lock({ 'node_modules/left': null, 'node_modules/right': 'x', 'node_modules/x': [1] }),
    ],
  ])('nothing where it is %s', (_, text) => {
    expect(pinnedBy(text, terms)).toEqual([]);
  });

  it.each([
    ['entries than a lockfile has', `,${many(60_000, (n) => `"node_modules/a${n}":{}`)}`, ''],
    ['members than can be read soon', '', `,"x":{${many(600_000, (n) => `"a${n}":0`)}}`],
    [
      'lists in lists',
      '',
      `,"x":${'['.repeat(300_000)}${']'.repeat(300_000)},"y":[${'[],'.repeat(300_000)}0]`,
    ],
    ['objects in objects', '', `,"x":${'{"a":'.repeat(600_000)}0${'}'.repeat(600_000)}`],
  ])('nothing where it has more %s', (_, within, behind) => {
    expect(pinnedBy(textWith('', ''), terms)).toHaveLength(1);
    expect(pinnedBy(textWith(within, behind), terms)).toEqual([]);
  });
});

describe('An install takes from the addresses of a lockfile', () => {
  it('each package once, with the digest by which npm looks for it', () => {
    const weak = { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' };
    expect(
      taken({
        'node_modules/left': entry('left'),
        'node_modules/right/node_modules/left': entry('left'),
        'node_modules/alias': { ...entry('real'), name: 'real' },
        'node_modules/old': entry('old', weak),
        'node_modules/plain': entry('plain', { integrity: undefined }),
      }),
    ).toEqual([
      { name: 'left', version: '1.0.0', resolved: url('left'), digest: digest('left') },
      { name: 'real', version: '1.0.0', resolved: url('real'), digest: digest('real') },
      {
        name: 'old',
        version: '1.0.0',
        resolved: url('old'),
        digest: 'sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709',
      },
      { name: 'plain', version: '1.0.0', resolved: url('plain') },
    ]);
  });

  it.each([
    ['a link', { link: true }],
    ['what is bundled', { inBundle: true }],
    ['git', { resolved: 'git+ssh://git@host.example/left.git#abc' }],
    ['a file', { resolved: 'file:left-1.0.0.tgz' }],
    ['what has no address', { resolved: undefined }],
    ['what another platform needs', { os: ['sunos'] }],
    ['what is left out', { dev: true }],
    ['a name that climbs', { name: '../../left' }],
  ])('not %s', (_, more) => {
    expect(taken({ 'node_modules/left': entry('left', more) }, { omit: ['dev'] })).toEqual([]);
  });

  it('not what is installed already', () => {
    const packages = { 'node_modules/left': entry('left') };
    expect(taken(packages, { installed: lock(packages) })).toEqual([]);
  });
});

describe('An install needs', () => {
  it('what something depends on, as Node finds it, and not what is left over', () => {
    expect(
      reached({
        '': ['a', '@acme/b'],
        'node_modules/a': ['c'],
        'node_modules/a/node_modules/c': ['d'],
        'node_modules/a/node_modules/e': [],
        'node_modules/a/other/node_modules/d': [],
        'node_modules/@acme/b': ['c', 'a'],
        'node_modules/@acme/node_modules/c': [],
        'node_modules/c': [],
        'node_modules/d': [],
        'node_modules/orphan': ['f'],
        'node_modules/f': [],
        'node_modules/gone/node_modules/d': [],
        'my_node_modules/a': [],
      }),
    ).toEqual(['a', 'a/node_modules/c', '@acme/b', 'c', 'd']);
  });

  it.each(['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'])(
    'the %s of the project',
    (kind) => {
      const packages = { '': { [kind]: { left: '*' } }, 'node_modules/left': entry('left') };
      expect(names(packages)).toEqual(['left']);
    },
  );

  it.each<[string, Record<string, unknown>, readonly string[]]>([
    ['its workspaces, whether something depends on them or not', { workspaces: ['packages/*'] }, []],
    ['the directories that it links', {}, ['one', 'two']],
  ])('what %s depend on', (_, more, dependencies) => {
    expect(
      reached(
        {
          '': dependencies,
          'node_modules/one': [],
          'packages/one': ['a'],
          'packages/one/node_modules/a': [],
          'node_modules/a': [],
          'node_modules/two': [],
          'packages/one/two': ['a', 'b'],
          'node_modules/b': [],
          'node_modules/only-to-develop': [],
        },
        {
          '': more,
          'node_modules/one': linked('packages/one'),
          'node_modules/two': linked('packages/one/two'),
          'packages/one': { devDependencies: { 'only-to-develop': '*' } },
          'node_modules/a': { devDependencies: { orphan: '*' } },
        },
      ),
    ).toEqual(['packages/one/node_modules/a', 'b', 'only-to-develop']);
  });

  it('no directory that nothing links, nor what it depends on', () => {
    const links = { 'node_modules/one': { link: true, resolved: 'one' } };
    expect(reached({ '': [], 'node_modules/one': [], one: ['a'], 'node_modules/a': [] }, links)).toEqual([]);
  });

  it('nothing that only a package of another platform depends on', () => {
    const packages = { '': ['a', 'b'], 'node_modules/a': ['c', 'd'], 'node_modules/b': ['d'] };
    const more = { 'node_modules/a': { os: ['sunos'], optional: true } };
    expect(reached({ ...packages, 'node_modules/c': [], 'node_modules/d': [] }, more)).toEqual(['b', 'd']);
  });

  it('nothing where it takes too long to find out', () => {
    const deep = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [inner(n + 1), ['a']]));
    const wanted = Array.from({ length: 10_000 }, (_, n) => `x${n}`);
    expect(reached({ '': ['a'], ...deep })).toHaveLength(300);
    expect(reached({ '': ['a'], ...deep, [inner(300)]: wanted })).toEqual([]);
  });

  it.each([
    ['dev', { dev: true }, ['dev']],
    ['optional', { optional: true }, ['optional']],
    ['peer', { peer: true }, ['peer']],
    ['dev or optional, where both are left out', { devOptional: true }, ['dev', 'optional']],
  ])('what is %s unless that is left out', (_, more, omit) => {
    const packages = { 'node_modules/left': entry('left', more) };
    expect(names(packages)).toEqual(['left']);
    expect(names(packages, { omit: omit.slice(1) })).toEqual(omit.length > 1 ? ['left'] : ['left']);
    expect(names(packages, { omit })).toEqual([]);
  });

  it.each([
    [{ os: ['linux'] }, true],
    [{ os: ['darwin', 'linux'] }, true],
    [{ os: 'linux' }, true],
    [{ os: ['any'] }, true],
    [{ os: [] }, true],
    [{ os: ['!win32'] }, true],
    [{ os: ['!linux'] }, false],
    [{ os: ['darwin', '!win32'] }, false],
    [{ os: ['darwin'] }, false],
    [{ cpu: ['arm64'] }, false],
    [{ cpu: ['x64'], libc: ['glibc'] }, true],
    [{ libc: ['musl'] }, false],
  ])('for linux, x64 and glibc, of %j: %s', (more, needed) => {
    expect(names({ 'node_modules/left': entry('left', more) })).toEqual(needed ? ['left'] : []);
  });

  it('nothing for a C library where none is known', () => {
    const { libc: _, ...unknown } = terms;
    expect(pinnedBy(lock({ 'node_modules/left': entry('left', { libc: ['glibc'] }) }), unknown)).toEqual([]);
  });

  it('only what is not installed already as it is pinned', () => {
    const installed = lock({
      'node_modules/left': entry('left'),
      'node_modules/old': entry('old', { version: '0.9.0' }),
    });
    const packages = Object.fromEntries(
      ['left', 'old', 'fresh'].map((name) => [`node_modules/${name}`, entry(name)]),
    );
    expect(names(packages, { installed })).toEqual(['old', 'fresh']);
    expect(names(packages, { installed: 'torn {' })).toEqual(['left', 'old', 'fresh']);
  });
});

describe('Content that has several names', () => {
  const evil = entry('evil');
  it('stands with all of them, since npm takes it for each', () => {
    const [found, ...others] = pinnedBy(
      lock({
        'node_modules/evil': evil,
        'node_modules/lodash': { ...entry('lodash'), integrity: evil.integrity },
      }),
      terms,
    );
    expect(others).toEqual([]);
    expect(found!.packages.map(({ name }) => name)).toEqual(['evil', 'lodash']);
  });

  it('is not pinned where it has too many names to look all of them up', () => {
    expect(names(named(100))).toHaveLength(100);
    expect(names(named(101))).toEqual([]);
    expect(besidesIn(lock(named(101)))!({ digest: digest('a'), packages: [] })).toBeUndefined();
  });

  it.each([
    ['besides another digest', { ...entry('lodash'), integrity: `${hash('lodash')} ${evil.integrity}` }],
    ['in another spelling', { ...entry('lodash'), integrity: evil.integrity.replace(/==$/, '') }],
    ['with options', { ...entry('lodash'), integrity: `${evil.integrity}?a` }],
    ['from a file', { ...entry('lodash'), integrity: evil.integrity, resolved: 'file:lodash.tgz' }],
    ['by a name that is none', { ...entry('lodash'), integrity: evil.integrity, name: '..' }],
    ['where nothing is fetched', { ...entry('lodash'), integrity: evil.integrity, link: true }],
  ])('is not pinned at all where something illegible names it, too: %s', (_, other) => {
    expect(names({ 'node_modules/evil': evil, 'node_modules/lodash': other })).toEqual([]);
    expect(names({ 'node_modules/lodash': other, 'node_modules/evil': evil })).toEqual([]);
  });

  it('counts those that are left out, since who omits them may install them with the next call', () => {
    const other = { ...entry('lodash', { dev: true }), integrity: evil.integrity };
    expect(names({ 'node_modules/evil': evil, 'node_modules/lodash': other }, { omit: ['dev'] })).toEqual([
      'evil',
      'lodash',
    ]);
  });
});

describe('A digest that npm may read where we would not', () => {
  it.each<[string, Record<string, unknown>]>([
    ['as a member of the entry that npm falls back to', { integrity: undefined, _integrity: hash('left') }],
    ['as an object', { integrity: { algorithm: 'sha512', digest: hash('left').slice(7) } }],
    ['as a list', { integrity: [hash('left')] }],
    ['at great length', { integrity: `${hash('left')} ${'sha1-x '.repeat(200)}` }],
  ])('%s has a lockfile pin nothing, nor anything be followed', (_, other) => {
    const text = lock({
      'node_modules/left': entry('left'),
      'node_modules/right': { ...entry('right'), ...other },
    });
    expect(pinnedBy(text, terms)).toEqual([]);
    expect(besidesIn(text)).toBeUndefined();
  });
});

describe('Content that is followed', () => {
  const followed = {
    digest: digest('left'),
    packages: [{ name: 'left', version: '1.0.0', resolved: url('left') }],
  };

  it('stands with all packages for which the lockfile has npm take it, each once', () => {
    const text = lock({
      'node_modules/left': entry('left'),
      'node_modules/right': { ...entry('right'), integrity: hash('left') },
    });
    expect(besidesIn(text)!(followed)!.packages.map(({ name }) => name)).toEqual(['left', 'right']);
    expect(besidesIn(lock({ 'node_modules/right': entry('right') }))!(followed)).toEqual(followed);
  });

  it('is given up where the lockfile names its digest illegibly, and with a lockfile of another kind', () => {
    const text = lock({
      'node_modules/right': { ...entry('right'), integrity: `${hash('left')} ${hash('right')}` },
    });
    expect(besidesIn(text)!(followed)).toBeUndefined();
    expect(besidesIn(lock({}, 1))).toBeUndefined();
    expect(besidesIn('')).toBeUndefined();
  });
});

describe('Whatever a lockfile says', () => {
  const part = fc.constantFrom('left', 'right', '@acme/x', '..', '__proto__', '', 'node_modules', 'a/b', 'é');
  const anyEntry = fc.oneof(
    fc.anything(),
    fc.record(
      {
        name: fc.oneof(part, fc.anything()),
        version: fc.constantFrom('1.0.0', '2.0.0-x', 'x', '../1', 3),
        resolved: fc.oneof(
          part.map((name) => url(name)),
          fc.constantFrom('file:x', 'git+ssh://x', 5),
        ),
        integrity: fc.oneof(
          part.map(hash),
          fc.tuple(part, part).map(([a, b]) => `${hash(a)} ${hash(b)}`),
          fc.string(),
        ),
        dev: fc.boolean(),
        os: fc.anything(),
        link: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  );
  const anyLock = fc.dictionary(
    fc.oneof(
      fc.array(part).map((parts) => parts.map((each) => `node_modules/${each}`).join('/')),
      fc.string(),
    ),
    anyEntry,
  );

  it('each digest stands once, with packages that a registry may hold, and nothing is thrown', () => {
    fc.assert(
      fc.property(anyLock, (packages) => {
        const text = JSON.stringify({ lockfileVersion: 3, packages }, (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        const found = pinnedBy(text, terms);
        expect(new Set(found.map((each) => each.digest)).size).toBe(found.length);
        for (const each of found) {
          expect(each.digest).toMatch(/^sha512:[0-9a-f]{128}$/);
          expect(each.packages.length).toBeGreaterThan(0);
          for (const { name, version, resolved = 'http://' } of each.packages) {
            expect(name).not.toMatch(/(^|\/)\.|^$|\/.*\//);
            expect(version).toMatch(/^\d+\.\d+\.\d+/);
            expect(resolved).toMatch(/^https?:\/\//);
          }
        }
      }),
    );
  });

  it('no more is pinned by what leaves more out', () => {
    fc.assert(
      fc.property(anyLock, (packages) => {
        const all = new Set(
          pinnedBy(
            lock(JSON.parse(JSON.stringify(packages, (_, v: unknown) => (typeof v === 'bigint' ? 0 : v)))),
            terms,
          ).map((each) => each.digest),
        );
        const some = pinnedBy(
          lock(JSON.parse(JSON.stringify(packages, (_, v: unknown) => (typeof v === 'bigint' ? 0 : v)))),
          { ...terms, omit: ['dev'] },
        );
        for (const each of some) expect(all.has(each.digest)).toBe(true);
      }),
    );
  });
});
