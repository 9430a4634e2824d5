import { beforeEach, describe, expect, it } from 'vitest';
import { follow } from '../../../src/ecosystems/npm/follow.ts';
import type { Choice, InstallTerms } from '../../../src/ecosystems/ecosystem.ts';
import { digestOf, integrityOf } from '../../../src/content/digest.ts';
import { npxAsExec } from '../../../src/ecosystems/npm/npx.ts';

type Json = Readonly<Record<string, unknown>>;
const here: InstallTerms = { omit: [], os: 'linux', cpu: 'x64', libc: 'glibc' };
const NPM = 'npm/11.0.0 node/v20.0.0 linux x64 workspaces/false';
const base = 'https://registry.example/';

let registry: Map<string, Json>;
beforeEach(() => {
  registry = new Map();
});

const integrity = (name: string, version: string): string =>
  integrityOf(digestOf(Buffer.from(`${name}@${version}`), 'sha512'));

/** Publishes versions of a package; the last one is the latest. */
function offer(name: string, versions: Readonly<Record<string, Json>>, tags: Json = {}): void {
  const documents = Object.entries(versions).map(([version, manifest]) => {
    const dist = { integrity: integrity(name, version), tarball: `${base}${name}/-/${name}-${version}.tgz` };
    return [version, { name, version, dist, ...manifest }];
  });
  const latest = Object.keys(versions).at(-1);
  registry.set(name, { name, 'dist-tags': { latest, ...tags }, versions: Object.fromEntries(documents) });
}

/** What is found out when the tool is given these documents, in this order. */
async function found(
  choice: Partial<Choice> & { readonly dependencies?: Json },
  asked: readonly string[],
  { terms = {}, userAgent = NPM }: { terms?: Partial<InstallTerms>; userAgent?: string } = {},
): Promise<string[]> {
  const { dependencies = {}, ...rest } = choice;
  const follower = follow(
    { named: [], peers: true, manifest: JSON.stringify({ dependencies }), ...rest },
    { ...here, ...terms },
  );
  const all: string[] = [];
  for (const name of asked) {
    const read = async () => Buffer.from(JSON.stringify(registry.get(name)));
    for (const { digest, packages } of await follower.given(name, {
      read,
      headers: { 'user-agent': userAgent },
    })) {
      for (const each of packages) {
        expect(integrityOf(digest)).toBe(integrity(each.name, each.version));
        expect(each.resolved).toBe(`${base}${each.name}/-/${each.name}-${each.version}.tgz`);
        all.push(`${each.name}@${each.version}`);
      }
    }
  }
  return all;
}

/** What is found out where the project wants `root`, and then all packages are asked for. */
const all = async (options?: Parameters<typeof found>[2], choice: Partial<Choice> = {}): Promise<string[]> =>
  found({ dependencies: { root: '*' }, ...choice }, ['root', ...registry.keys()], options);

const lockOf = (packages: Readonly<Record<string, string>>): string =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: Object.fromEntries(
      Object.entries(packages).map(([name, version]) => [`node_modules/${name}`, { version }]),
    ),
  });

describe('Of a package that npm was given, it is going to take', () => {
  beforeEach(() => {
    offer(
      'left',
      { '1.0.0': {}, '1.2.0': {}, '2.0.0-beta': {}, '2.0.0': {}, '1.3.0': {} },
      { next: '2.0.0' },
    );
  });

  it.each([
    ['^1.0.0', '1.3.0'],
    ['~1.2', '1.2.0'],
    ['1.0.0', '1.0.0'],
    ['=1.0.0', '1.0.0'],
    ['>=1', '1.3.0'],
    ['2', '2.0.0'],
    ['', '1.3.0'],
    ['*', '1.3.0'],
    ['latest', '1.3.0'],
    ['next', '2.0.0'],
    ['2.0.0-beta', '2.0.0-beta'],
  ])('for %j version %s', async (wanted, version) => {
    expect(await found({ dependencies: { left: wanted } }, ['left'])).toEqual([`left@${version}`]);
    expect(await found({ dependencies: { other: `npm:left@${wanted || '*'}` } }, ['left'])).toEqual([
      `left@${version}`,
    ]);
  });

  it('one for its own Node that is not deprecated', async () => {
    const deprecated = 'no more';
    offer('old', { '1.0.0': {}, '1.1.0': { engines: { node: '>=22' } }, '1.2.0': { deprecated } });
    expect(await found({ dependencies: { old: '1' } }, ['old'])).toEqual(['old@1.0.0']);
    const userAgent = 'npm/11.0.0 node/v22.0.0 linux';
    expect(await found({ dependencies: { old: '1' } }, ['old'], { userAgent })).toEqual(['old@1.1.0']);
  });

  it.each([
    ['a range that nothing fits', { left: '^9' }, ['left']],
    ['a tag that there is not', { left: 'none' }, ['left']],
    ['what comes from elsewhere', { left: 'github:a/left' }, ['left']],
    ['what is in a folder', { left: 'file:../left' }, ['left']],
    ['what nobody wants', {}, ['left']],
    ['what npm was not seen to ask for', { left: '*' }, []],
  ])('nothing for %s', async (_, dependencies, asked) => {
    expect(await found({ dependencies }, asked)).toEqual([]);
  });

  it('nothing that can be told where npm does not say what it is', async () => {
    expect(await found({ dependencies: { left: '*' } }, ['left'], { userAgent: 'mine' })).toEqual([]);
  });

  it('nothing whose digest is weak or illegible, or which is another package', async () => {
    const tarball = `${base}left/-/left-1.0.0.tgz`;
    for (const manifest of [
      { dist: { shasum: '0'.repeat(40), tarball } },
      { dist: { integrity: `sha512-${'A'.repeat(86)}== sha512-${'B'.repeat(86)}==`, tarball } },
      { dist: { integrity: integrity('left', '1.0.0') } },
      { dist: null },
      { name: 'right' },
      { version: '1.0.1' },
    ]) {
      offer('left', { '1.0.0': manifest });
      expect(await found({ dependencies: { left: '*' } }, ['left'])).toEqual([]);
    }
  });
});

describe('What packages want is followed', () => {
  it('in the order in which npm asks', async () => {
    offer('root', { '1.0.0': { dependencies: { a: '1' } } });
    offer('a', { '1.0.0': { dependencies: { b: '1', root: '*' } } });
    offer('b', { '1.0.0': {} });
    expect(await all()).toEqual(['root@1.0.0', 'a@1.0.0', 'b@1.0.0']);
  });

  it('to another version of what npm knows already', async () => {
    offer('a', { '1.0.0': {}, '2.0.0': {} });
    offer('root', { '1.0.0': { dependencies: { a: '1' } } });
    expect(await found({ dependencies: { root: '*', a: '2' } }, ['a', 'root'])).toEqual([
      'a@2.0.0',
      'root@1.0.0',
      'a@1.0.0',
    ]);
  });

  it('not to a second version where one that was chosen does', async () => {
    offer('a', { '1.0.0': {}, '1.1.0': {} });
    offer('root', { '1.0.0': { dependencies: { a: '^1' } } });
    expect(await found({ dependencies: { root: '*', a: '1.0.0' } }, ['a', 'root'])).toEqual([
      'a@1.0.0',
      'root@1.0.0',
    ]);
    expect(await found({ dependencies: { root: '*', a: '1.0.0' } }, ['root', 'a'])).toEqual([
      'root@1.0.0',
      'a@1.0.0',
    ]);
  });

  it('besides itself, where nobody else wants another', async () => {
    offer('root', {
      '1.0.0': { peerDependencies: { a: '>=1', b: '*' }, peerDependenciesMeta: { b: { optional: true } } },
    });
    offer('a', { '1.0.0': {}, '2.0.0': {} });
    offer('b', { '1.0.0': {} });
    expect(await all()).toEqual(['root@1.0.0', 'a@2.0.0']);
    expect(await all({ terms: { omit: ['peer'] } })).toEqual(['root@1.0.0']);
    expect(await all({}, { peers: false })).toEqual(['root@1.0.0']);
    expect(await found({ dependencies: { root: '*', a: '^1' } }, ['root', 'a'])).toEqual([
      'root@1.0.0',
      'a@1.0.0',
    ]);
  });

  it('as far as it is for this platform', async () => {
    const optionalDependencies = { here: '*', there: '*', musl: '*', modern: '*' };
    offer('root', { '1.0.0': { optionalDependencies, dependencies: { there: '*' } } });
    offer('here', { '1.0.0': { os: ['linux'], cpu: ['!arm64'] } });
    offer('there', { '1.0.0': { os: ['win32'], dependencies: { beyond: '*' } } });
    offer('musl', { '1.0.0': { libc: ['musl'] } });
    offer('modern', { '1.0.0': { engines: { node: '>=99' } } });
    offer('beyond', { '1.0.0': {} });
    expect(await all()).toEqual(['root@1.0.0', 'here@1.0.0']);
    expect(await all({ terms: { libc: 'musl' } })).toEqual(['root@1.0.0', 'here@1.0.0', 'musl@1.0.0']);
    expect(await all({ terms: { omit: ['optional'] } })).toEqual(['root@1.0.0']);
  });

  it('not into what a package brings itself', async () => {
    offer('root', { '1.0.0': { dependencies: { a: '*', b: '*' }, bundleDependencies: ['a'] } });
    offer('whole', { '1.0.0': { dependencies: { a: '*' }, bundleDependencies: true } });
    offer('wrapped', { '1.0.0': { dependencies: { a: '*' }, _hasShrinkwrap: true } });
    offer('a', { '1.0.0': {} });
    offer('b', { '1.0.0': {} });
    const dependencies = { root: '*', whole: '*', wrapped: '*' };
    expect(await found({ dependencies }, ['root', 'whole', 'wrapped', 'a', 'b'])).toEqual([
      'root@1.0.0',
      'whole@1.0.0',
      'wrapped@1.0.0',
      'b@1.0.0',
    ]);
  });

  it('for development only in the project itself', async () => {
    offer('root', { '1.0.0': { devDependencies: { a: '*' } } });
    offer('a', { '1.0.0': {} });
    const manifest = '{"devDependencies":{"root":"*"}}';
    expect(await all({}, { manifest })).toEqual(['root@1.0.0']);
    expect(await all({ terms: { omit: ['dev'] } }, { manifest })).toEqual([]);
  });
});

describe('An install keeps', () => {
  beforeEach(() => {
    offer('a', { '1.0.0': {}, '1.1.0': {}, '2.0.0': {} });
  });

  it('what its lockfile has, where that does', async () => {
    const lockfile = lockOf({ a: '1.0.0' });
    expect(await found({ dependencies: { a: '^1' }, lockfile }, ['a'])).toEqual([]);
    expect(await found({ dependencies: { a: '^2' }, lockfile }, ['a'])).toEqual(['a@2.0.0']);
  });

  it('what is installed, also where it is named', async () => {
    const terms = { installed: lockOf({ a: '1.1.0' }) };
    expect(await found({ named: ['a@1'], lockfile: lockOf({ a: '1.0.0' }) }, ['a'], { terms })).toEqual([]);
    expect(await found({ named: ['a@^1.0.0'], lockfile: lockOf({ a: '1.0.0' }) }, ['a'])).toEqual([
      'a@1.1.0',
    ]);
    expect(await found({ named: ['a'] }, ['a'], { terms })).toEqual(['a@2.0.0']);
  });

  it('to what the call says of a package, not to what the project did', async () => {
    expect(await found({ named: ['a@2'], dependencies: { a: '1' } }, ['a'])).toEqual(['a@2.0.0']);
  });

  it.each([
    ['overrides', '{"dependencies":{"a":"*"},"overrides":{"b":"1"}}'],
    ['what cannot be read', '{'],
    ['what is no object', '[]'],
  ])('to %s, which is nobody’s to follow', async (_, manifest) => {
    expect(await found({ manifest }, ['a'])).toEqual([]);
  });

  it('to whatever else it names', async () => {
    expect(await found({ named: ['./here', 'a'] }, ['a'])).toEqual([]);
  });
});

describe('A document that cannot be read', () => {
  it.each([
    undefined,
    '',
    '{"name":"a","versions":{"1.0.0":{',
    '[]',
    '{"name":"a"}',
    '{"name":"b","versions":{}}',
  ])('says nothing: %s', async (text) => {
    const follower = follow({ named: ['a'], peers: true }, here);
    const read = async () => (text === undefined ? undefined : Buffer.from(text));
    expect(await follower.given('a', { read, headers: { 'user-agent': NPM } })).toEqual([]);
  });
});

describe('npx', () => {
  it.each([
    ['left', 'exec -- left'],
    ['-y left@1 --yes', 'exec -y -- left@1 --yes'],
    ['--package=left right', 'exec --package=left -- right'],
    ['-p left -p=right both', 'exec --package left --package=right -- both'],
    ['--no-install left', 'exec --yes=false -- left'],
    ['-q -- left', 'exec -q -- left'],
    ['-c left', 'exec --call left'],
    ['', 'exec'],
  ])('%s is npm %s', (line, expected) => {
    expect(npxAsExec(line.split(' ').filter(Boolean))?.join(' ')).toBe(expected);
  });

  it('is not told apart where an option may take the next word', () => {
    expect(npxAsExec(['--node-arg', 'left', 'right'])).toBeUndefined();
  });
});

describe('What would hold up everybody else is not followed', () => {
  it('such as a range of any length', async () => {
    offer('left', { '1.0.0': {} });
    const long = Array.from({ length: 300 }, () => '1.0.0').join(' || ');
    expect(await found({ dependencies: { left: long } }, ['left'])).toEqual([]);
    expect(await found({ dependencies: { left: '1.0.0 || 2.0.0' } }, ['left'])).toEqual(['left@1.0.0']);
  });

  it('such as any number of versions of one package', async () => {
    const versions = Array.from({ length: 100 }, (_, n) => `1.0.${n}`);
    offer('left', Object.fromEntries(versions.map((version) => [version, {}])));
    const aliases = versions.map((version) => [`a${version}`, `npm:left@${version}`]);
    expect(await found({ dependencies: Object.fromEntries(aliases) }, ['left'])).toHaveLength(64);
  });

  it('such as packages that want one another for ever', async () => {
    const versions = Array.from({ length: 100 }, (_, n) => n);
    const wanting = (name: string, by: number) =>
      versions.map((n) => [`1.0.${n}`, { dependencies: { [name]: `1.0.${n + by}` } }]);
    offer('left', Object.fromEntries(wanting('right', 0)));
    offer('right', Object.fromEntries(wanting('left', 1)));
    const zigzag = await found({ dependencies: { left: '1.0.0' } }, ['left', 'right']);
    expect(zigzag.length).toBeGreaterThan(20);
    expect(zigzag.length).toBeLessThan(40);
  });
});
