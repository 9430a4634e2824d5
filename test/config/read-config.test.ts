import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigFile, parseConfigFile } from '../../src/config/config-file.ts';
import { combine, readConfig } from '../../src/config/read-config.ts';
import { KEYS, settingOf } from '../../src/config/settings.ts';

const file = (path: string, entries: unknown = {}): ConfigFile =>
  parseConfigFile(path, JSON.stringify(entries));
const user = (entries: unknown = {}) => file('config.json', entries);
const project = (entries: unknown) => [file('.pyrsia.json', entries)];
const policyOf = (...args: Parameters<typeof combine>) => combine(...args).origins.policy;

describe('every setting', () => {
  it.each(KEYS)('%s accepts its own default', (key) => {
    expect(settingOf(key).parse(settingOf(key).default)).toBeDefined();
  });

  it.each([
    ['cache.limit', '500 MB', 500e6],
    ['cache.limit', 'auto', 'auto'],
    ['cache.limit', '1kB', undefined],
    ['policy', 'locked', 'locked'],
    ['policy', 'Locked', undefined],
    [
      'npm.public',
      'https://a.example/npm, http://b.example',
      ['https://a.example/npm/', 'http://b.example/'],
    ],
    ['npm.public', 'https://user:secret@a.example/', undefined],
    ['npm.public', 'file:///etc/passwd', undefined],
    ['docker.public', 'ghcr.io, quay.io:5000', ['ghcr.io', 'quay.io:5000']],
    ['docker.public', 'https://ghcr.io', undefined],
    ['docker.public', 'GHCR.io', undefined],
    ['upstream.timeout', '5s', 5000],
    ['upstream.timeout', '0', undefined],
    ['upstream.timeout', '25d', undefined],
    ['agent.idle', '0', 0],
    ['proxy.host', '127.0.0.2', '127.0.0.2'],
    ['proxy.host', '::1', undefined],
    ['proxy.host', '0.0.0.0', undefined],
    ['proxy.port', '4873', 4873],
    ['proxy.port', '0', undefined],
    ['proxy.port', '65536', undefined],
    ['proxy.port', '1e3', undefined],
    ['peers', 'off', 'off'],
    ['peers', 'no', undefined],
    ['peers.port', '4001', 4001],
    ['share', 'public', 'public'],
    ['share', 'everybody', undefined],
    ['share.up', '1MB', 1_000_000],
    ['share.up', '500kB/s', 500_000],
    ['share.up', 'unlimited', 'unlimited'],
    ['share.up', '0', undefined],
    ['share.down', '9999', undefined],
  ] as const)('%s reads %j as %j', (key, text, value) => {
    expect(settingOf(key).parse(text)).toEqual(value);
  });
});

describe('precedence', () => {
  it('gives the defaults when nobody says anything', () => {
    const { values, origins, enabled, problems } = combine(user(), [], {});
    expect(values).toEqual({
      'cache.limit': 'auto',
      policy: 'observe',
      'npm.public': [],
      'docker.public': [],
      'npm.fill': 'link',
      'npm.fill.max': 1_000_000_000,
      'maven.fill': 'copy',
      'log.submit': 'off',
      'upstream.timeout': 30_000,
      'agent.idle': 600_000,
      'proxy.host': '127.0.0.1',
      'proxy.port': 'auto',
      peers: 'on',
      'peers.copies': 'neighbours',
      'peers.port': 'auto',
      share: 'lan',
      'share.hours': 'always',
      'share.up': 'unlimited',
      'share.down': 'unlimited',
    });
    expect(origins.policy).toEqual({ text: 'observe', origin: 'default' });
    expect({ enabled, problems }).toEqual({ enabled: true, problems: [] });
  });

  it('puts the environment over the project over the user', () => {
    expect(policyOf(user({ policy: 'locked' }), [], {}).origin).toBe('user');
    expect(policyOf(user({ policy: 'locked' }), project({ policy: 'strict' }), {}).origin).toBe('project');
    expect(policyOf(user(), project({ policy: 'strict' }), { PYRSIA_POLICY: 'observe' })).toEqual({
      text: 'observe',
      origin: 'environment',
    });
  });

  it('takes numbers and lists as JSON has them', () => {
    const { values } = combine(user({ 'proxy.port': 4873, 'npm.public': ['https://a.example'] }), [], {});
    expect(values['proxy.port']).toBe(4873);
    expect(values['npm.public']).toEqual(['https://a.example/']);
  });

  it('ignores a value that cannot be read, says so, and keeps the next weaker word', () => {
    const { values, problems } = combine(user({ 'agent.idle': '5m' }), [], { PYRSIA_IDLE: 'soon' });
    expect(values['agent.idle']).toBe(300_000);
    expect(problems).toEqual([
      'PYRSIA_IDLE: "soon" is ignored, expected a duration such as 10m, up to 24d, or 0',
    ]);
  });

  it('reports unknown settings', () => {
    expect(combine(user({ colour: 'red' }), [], {}).problems).toEqual([
      'config.json: unknown settings, left alone: colour',
    ]);
  });
});

describe('a project', () => {
  it('may switch us off', () => {
    expect(combine(user(), project({ enabled: false }), {}).enabled).toBe(false);
  });

  it('may tighten the policy, and the tightest of several files holds', () => {
    const files = [file('a/b/.pyrsia.json'), file('a/.pyrsia.json', { policy: 'strict' })];
    expect(combine(user(), files, {}).values.policy).toBe('strict');
  });

  it('may have nobody asked, but has no say in what this machine gives, which is not its own', () => {
    const { values, problems } = combine(user(), project({ share: 'off', peers: 'off' }), {});
    expect([values.share, values.peers]).toEqual(['lan', 'off']);
    expect(problems).toEqual([expect.stringContaining('share: "off" is ignored')]);
  });

  it.each([
    [{ share: 'public' }, {}],
    [{ share: 'lan' }, { share: 'off' }],
    [{ peers: 'on' }, { peers: 'off' }],
    [{ 'share.up': 'unlimited' }, { 'share.up': '1MB' }],
    [{ policy: 'observe' }, { policy: 'locked' }],
    [{ 'npm.public': 'https://evil.example/' }, {}],
    [{ 'cache.limit': '1TB' }, {}],
    [{ 'proxy.host': '127.9.9.9' }, {}],
    [{ 'upstream.timeout': '1ms' }, {}],
  ])('cannot widen anything: %j is ignored with a note', (entries, own) => {
    const { values, problems } = combine(user(own), project(entries), {});
    expect(values).toEqual(combine(user(own), [], {}).values);
    expect(problems.join()).toMatch(/ignored, a project may only switch us off or tighten what holds/);
  });
});

it('is switched off by PYRSIA=off', () => {
  expect(combine(user(), [], { PYRSIA: 'off' }).enabled).toBe(false);
});

describe('files', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'commands-config-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it.each(['{', '[]', 'null', '"text"', ''])(
    'one that holds %j is one clear problem and changes nothing',
    (text) => {
      writeFileSync(join(home, 'config.json'), text);
      const { values, problems } = readConfig({ config: home }, {}, home);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(`Cannot read ${join(home, 'config.json')}`);
      expect(values.policy).toBe('observe');
    },
  );

  it('are found from the directory up to the home directory and no further', () => {
    const at = join(home, 'user', 'project', 'src');
    mkdirSync(at, { recursive: true });
    writeFileSync(join(home, 'user', 'project', '.pyrsia.json'), '{"policy":"locked"}');
    writeFileSync(join(home, '.pyrsia.json'), '{"enabled":false}');
    const config = readConfig({ config: home }, { HOME: join(home, 'user') }, at);
    expect(config.values.policy).toBe('locked');
    expect(config.enabled).toBe(true);
    expect(readConfig({ config: home }, {}, at).enabled).toBe(false);
  });

  it('that are no files, or too large, are not read', () => {
    mkdirSync(join(home, '.pyrsia.json'));
    writeFileSync(join(home, 'config.json'), `{"policy":"strict","x":"${'x'.repeat(70_000)}"}`);
    const { values, problems } = readConfig({ config: home }, { HOME: home }, home);
    expect(problems).toHaveLength(2);
    expect(values.policy).toBe('observe');
  });
});
