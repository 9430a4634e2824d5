import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointsFor } from '../../src/ecosystems/oci/registries.ts';
import { readRegistriesConf } from '../../src/shims/registries-conf.ts';

let directory: string;
let home: string;
const system = () => join(directory, 'etc');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registries-'));
  home = join(directory, 'home');
});
afterEach(async () => rm(directory, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const read = async (env: Record<string, string> = {}) => readRegistriesConf({ HOME: home, ...env }, system());
const rule = (prefix: string, more = '') =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${prefix}"\n${more}`;
const prefixes = async (env?: Record<string, string>) => (await read(env)).rules.map(({ prefix }) => prefix);

describe('registries.conf', () => {
  it('that is not there says nothing', async () => {
    expect(await read()).toEqual({ rules: [], search: [], aliases: {} });
  });

  it('of the machine holds with its additions, and those of the user', async () => {
    write(
      join(system(), 'registries.conf'),
      `unqualified-search-registries = ["a.example"]\n${rule('a.example')}`,
    );
    write(
      join(system(), 'registries.conf.d', '10.conf'),
      `${rule('b.example')}[aliases]\nx = "b.example/x"\n`,
    );
    write(join(home, '.config/containers/registries.conf.d/1.conf'), rule('b.example', 'blocked = true\n'));
    write(join(system(), 'registries.conf.d', 'not-this-one'), 'no TOML');
    const { rules, search, aliases } = await read();
    expect(rules.map(({ prefix, blocked }) => [prefix, blocked])).toEqual([
      ['a.example', false],
      ['b.example', true],
    ]);
    expect([search, aliases]).toEqual([['a.example'], { x: 'b.example/x' }]);
  });

  it('takes an alias away that an earlier one gave, and is overruled by what engines were told', async () => {
    write(
      join(system(), 'registries.conf'),
      '[aliases]\nx = "a.example/x"\ny = "a.example/y"\nz = "a.example/z"\n',
    );
    write(join(system(), 'registries.conf.d', '10.conf'), '[aliases]\nx = ""\n');
    write(join(directory, 'choices.conf'), '[aliases]\ny = "b.example/y"\n');
    const { aliases } = await readRegistriesConf({ HOME: home }, system(), join(directory, 'choices.conf'));
    expect(aliases).toEqual({ y: 'b.example/y', z: 'a.example/z' });
  });

  it("of the user's own takes the place of the machine's", async () => {
    write(join(system(), 'registries.conf'), rule('a.example'));
    write(join(system(), 'registries.conf.d', '1.conf'), rule('b.example'));
    write(join(home, '.config/containers/registries.conf'), rule('c.example'));
    expect(await prefixes()).toEqual(['c.example']);
  });

  it('that the environment names takes the place of both', async () => {
    write(join(home, '.config/containers/registries.conf'), rule('c.example'));
    write(join(directory, 'named.conf'), rule('d.example'));
    expect(await prefixes({ CONTAINERS_REGISTRIES_CONF: join(directory, 'named.conf') })).toEqual([
      'd.example',
    ]);
  });

  it('is understood as it was before 2018', async () => {
    const text = `[registries.search]\nregistries = ["a.example"]\n[registries.insecure]\nregistries = ["b.example:5000"]\n[registries.block]\nregistries = ["c.example"]\n`;
    write(join(system(), 'registries.conf'), text);
    const { rules, search } = await read();
    expect(search).toEqual(['a.example']);
    expect(rules).toMatchObject([
      { prefix: 'b.example:5000', insecure: true, blocked: false },
      { prefix: 'c.example', blocked: true },
    ]);
  });

  it.each([
    ['[[registry]\n', 'line 1'],
    ['[[registry]]\n', 'neither a prefix nor a location'],
    ['[[registry]]\nprefix = "a.example"\n', 'no location'],
    ['[[registry]]\nlocation = "https://a.example"\n', 'URL'],
    ['[[registry]]\nlocation = 1\n', 'no text'],
    ['[[registry]]\nlocation = "a.example"\ninsecure = "yes"\n', 'neither true nor false'],
    [rule('a.example', '[[registry.mirror]]\ninsecure = true\n'), 'a mirror has no location'],
    [
      rule('a.example', '[[registry.mirror]]\nlocation = "b"\npull-from-mirror = "never"\n'),
      'pull-from-mirror',
    ],
  ])('%j is not understood, and the file is named', async (text, reason) => {
    const file = join(system(), 'registries.conf');
    write(file, text);
    await expect(read()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`^${file}: .*${reason}`)),
    });
  });
});

const places = async (text: string, registry: string, repository: string, by: 'tag' | 'digest' = 'tag') => {
  write(join(system(), 'registries.conf'), text);
  const found = endpointsFor((await read()).rules, { registry, repository }, by);
  return found === 'blocked'
    ? found
    : found.map(({ host, repository: name, insecure }) => `${insecure ? 'insecure ' : ''}${host} ${name}`);
};

describe('An image is asked for', () => {
  it('at its registry where nothing is said', async () => {
    expect(await places('', 'images.example', 'org/app')).toEqual(['images.example org/app']);
    expect(await places('', 'docker.io', 'library/nginx')).toEqual(['registry-1.docker.io library/nginx']);
    expect(await places('', '127.0.0.1:5000', 'app')).toEqual(['insecure 127.0.0.1:5000 app']);
  });

  it('at mirrors first', async () => {
    const mirrors =
      '[[registry.mirror]]\nlocation = "m.example/hub"\n[[registry.mirror]]\nlocation = "10.0.0.1:5000"\ninsecure = true\n';
    expect(await places(rule('docker.io', mirrors), 'docker.io', 'library/nginx')).toEqual([
      'm.example hub/library/nginx',
      'insecure 10.0.0.1:5000 library/nginx',
      'registry-1.docker.io library/nginx',
    ]);
  });

  it('at some mirrors by its digest only', async () => {
    const mirror = '[[registry.mirror]]\nlocation = "m.example"\n';
    for (const text of [
      rule('a.example', `mirror-by-digest-only = true\n${mirror}`),
      rule('a.example', `${mirror}pull-from-mirror = "digest-only"\n`),
    ]) {
      expect(await places(text, 'a.example', 'app', 'tag')).toEqual(['a.example app']);
      expect(await places(text, 'a.example', 'app', 'digest')).toEqual(['m.example app', 'a.example app']);
    }
  });

  it('as the longest prefix says', async () => {
    const text = `[[registry]]\nprefix = "a.example"\nlocation = "b.example"\n[[registry]]\nprefix = "a.example/org/app"\nlocation = "c.example/x"\n`;
    expect(await places(text, 'a.example', 'org/app')).toEqual(['c.example x']);
    expect(await places(text, 'a.example', 'org/app/more')).toEqual(['c.example x/more']);
    expect(await places(text, 'a.example', 'org/application')).toEqual(['b.example org/application']);
    expect(await places(text, 'a.example.com', 'org')).toEqual(['a.example.com org']);
  });

  it('as a pattern says that is about its host', async () => {
    const text = '[[registry]]\nprefix = "*.example.com"\ninsecure = true\n';
    expect(await places(text, 'a.example.com', 'app')).toEqual(['insecure a.example.com app']);
    expect(await places(text, 'example.com', 'app')).toEqual(['example.com app']);
  });

  it('nowhere where that is blocked', async () => {
    expect(await places(rule('a.example', 'blocked = true\n'), 'a.example', 'app')).toBe('blocked');
  });
});
