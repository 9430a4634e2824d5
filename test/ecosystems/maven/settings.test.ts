import { describe, expect, it } from 'vitest';
import { mirrorOf } from '../../../src/ecosystems/maven/mirrors.ts';
import { readPom } from '../../../src/ecosystems/maven/pom.ts';
import { ledSettings, readSettings } from '../../../src/ecosystems/maven/settings.ts';
import { mavenTools } from '../../../src/ecosystems/maven/tools.ts';

const [mvn] = mavenTools;

const theirs = `<?xml version="1.0" encoding="UTF-8"?>
<!-- mine: <mirrors> in a comment -->
<settings xmlns="http://maven.example/SETTINGS/1.2.0">
  <servers>
    <server><id>corp</id><username>u</username><password>{encrypted=}</password></server>
  </servers>
  <mirrors>
    <mirror>
      <id>inside</id><mirrorOf>*,!corp</mirrorOf><url>https://mirror.example/all?a=1&amp;b=2</url>
    </mirror>
    <mirror><id>no-http</id><mirrorOf>external:http:*</mirrorOf><url>http://0.0.0.0/</url><blocked>true</blocked></mirror>
  </mirrors>
  <proxies>
    <proxy><active>false</active><host>old.example</host></proxy>
    <proxy><protocol>https</protocol><host>proxy.example</host><port>3128</port></proxy>
    <proxy><host>other.example</host><nonProxyHosts>*.inside.example|localhost</nonProxyHosts></proxy>
  </proxies>
  <profiles><profile><id>p</id>
    <repositories><repository><id>corp</id><url>https://corp.example/maven</url></repository></repositories>
    <pluginRepositories><pluginRepository><id>plugins</id><url>https://plugins.example/</url></pluginRepository></pluginRepositories>
  </profile></profiles>
</settings>
`;

describe('settings.xml', () => {
  it('says whom to ask', () => {
    expect(readSettings(theirs)).toEqual({
      mirrors: [
        { id: 'inside', mirrorOf: '*,!corp', url: 'https://mirror.example/all?a=1&b=2', blocked: false },
        { id: 'no-http', mirrorOf: 'external:http:*', url: 'http://0.0.0.0/', blocked: true },
      ],
      repositories: [
        { id: 'corp', url: 'https://corp.example/maven' },
        { id: 'plugins', url: 'https://plugins.example/' },
      ],
      servers: [{ id: 'corp', hasName: true, headers: [] }],
      proxies: [
        { protocol: 'https', host: 'proxy.example', port: '3128' },
        {
          protocol: 'http',
          host: 'other.example',
          port: '8080',
          nonProxyHosts: '*.inside.example|localhost',
        },
      ],
      isOurs: false,
    });
  });

  it('that is empty says nothing', () => {
    expect(readSettings('')).toMatchObject({ mirrors: [], servers: [] });
  });

  it.each([
    ['<settings>', 'unclosed tag'],
    ['<project/>', '<project>'],
    ['<settings><mirrors></settings>', 'unexpected close tag'],
    ['nothing', 'text'],
    ['<!DOCTYPE a [<!ENTITY b "c">]><settings>&b;</settings>', 'entity'],
  ])('that is %j is an error', (text, reason) => {
    expect(() => readSettings(text)).toThrow(reason);
  });

  it.each([
    ['as it is', (text: string) => text],
    ['with lines that end in CR and LF', (text: string) => text.replaceAll('\n', '\r\n')],
    ['with other characters, and a mark', (text: string) => `\uFEFF${text.replace('mine', 'ä€😀')}`],
  ])('changes in what leads it, and in nothing else: %s', (_, written) => {
    const own = written(theirs);
    const led = ledSettings(own, {
      urls: new Map([['inside', 'http://127.0.0.1:1/']]),
      unproxied: ['127.0.0.1'],
      added: [],
      told: new Set(),
      credential: 'secret',
    });
    const read = readSettings(led);
    expect(read.mirrors[0]).toMatchObject({ id: 'inside', mirrorOf: '*,!corp', url: 'http://127.0.0.1:1/' });
    expect(read.proxies.map(({ nonProxyHosts }) => nonProxyHosts)).toEqual([
      '127.0.0.1',
      '*.inside.example|localhost|127.0.0.1',
    ]);
    expect(read).toMatchObject({ isOurs: true, servers: [{ id: 'inside' }, { id: 'corp' }] });
    const before = own.split('\n');
    const changed = before.filter((line) => !led.includes(line.trim()));
    expect(changed.map((line) => line.trim().slice(0, 30))).toEqual([
      '<id>inside</id><mirrorOf>*,!co',
      '<proxy><protocol>https</protoc',
      '<proxy><host>other.example</ho',
    ]);
    expect(led).toContain('{encrypted=}');
  });

  it.each(['', '<settings/>', '<settings></settings>', '<settings><mirrors/><servers></servers></settings>'])(
    'gets what it has not: %j',
    (text) => {
      const led = ledSettings(text, {
        urls: new Map(),
        unproxied: ['127.0.0.1'],
        told: new Set(),
        added: [{ id: 'a&b', url: 'http://127.0.0.1:1/?<' }],
        credential: 'secret',
      });
      expect(readSettings(led)).toMatchObject({
        mirrors: [{ id: 'a&b', mirrorOf: 'a&b', url: 'http://127.0.0.1:1/?<' }],
        servers: [{ id: 'a&b', hasName: false, headers: ['authorization'] }],
      });
    },
  );
});

const leading = (scope: string) => ({ upstream: 'https://a.example/', base: 'http://127.0.0.1:1/', scope });
const mirror = (pattern: string) => ({
  id: 'm',
  url: 'https://m.example/',
  mirrorOf: pattern,
  blocked: false,
});
const repository = (url: string, id = 'repo') => ({ id, url });

describe('A call of mvn', () => {
  const call = {
    args: [],
    besides: [],
    lockedHosts: [],
    credential: 'b9a7-credential',
    pathOf: (file: string) => `/launch/${file}`,
  };

  it('gets settings of its own in the place of the global ones', () => {
    const global = '<settings><mirrors><!-- theirs --></mirrors></settings>';
    const { args, files } = mvn!.redirect({ ...call, leading: [leading('central')], globalConfig: global });
    expect(args).toEqual(['-gs', '/launch/global-settings.xml']);
    expect(files!['global-settings.xml']).toContain('<!-- theirs -->');
    expect(readSettings(files!['global-settings.xml']!).mirrors).toEqual([
      { id: 'central', mirrorOf: 'central', url: 'http://127.0.0.1:1/', blocked: false },
    ]);
  });

  it("gets the user's own with another address where they have a mirror of their own", () => {
    const { args, files } = mvn!.redirect({
      ...call,
      leading: [leading('inside'), leading('other')],
      globalConfig: '',
      userConfig: theirs,
    });
    expect(args).toEqual(['-gs', '/launch/global-settings.xml', '-s', '/launch/settings.xml']);
    expect(readSettings(files!['global-settings.xml']!).mirrors.map(({ id }) => id)).toEqual(['other']);
    expect(readSettings(files!['settings.xml']!).mirrors.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:1/',
      'http://0.0.0.0/',
    ]);
  });

  it.each(['globalConfig', 'userConfig'])(
    'shows us no credential where %s has something to show',
    (which) => {
      const said =
        '<settings><servers><server><id>inside</id><username>me</username></server></servers></settings>';
      const { args, files } = mvn!.redirect({
        ...call,
        leading: [leading('inside')],
        globalConfig: '',
        [which]: said,
      });
      expect(args).toEqual(['-gs', '/launch/global-settings.xml']);
      expect(JSON.stringify(files)).not.toContain(call.credential);
      const { mirrors, servers } = readSettings(files!['global-settings.xml']!);
      expect(mirrors.map(({ id }) => id)).toEqual(['inside']);
      expect(servers.map(({ id }) => id)).toEqual(which === 'globalConfig' ? ['inside'] : []);
    },
  );

  it('stays as it is where nobody is led', () => {
    expect(mvn!.redirect({ ...call, leading: [], globalConfig: '' })).toEqual({ env: {} });
  });
});

describe('A mirror', () => {
  it.each([
    ['*', 'https://a.example/', true],
    ['repo', 'https://a.example/', true],
    ['other', 'https://a.example/', false],
    ['other,repo', 'https://a.example/', true],
    ['*, !repo', 'https://a.example/', false],
    ['*,!other', 'https://a.example/', true],
    ['external:*', 'https://a.example/', true],
    ['external:*', 'http://localhost:1/', false],
    ['external:*', 'http://127.0.0.1:1/', false],
    ['external:*', 'file:///srv/maven', false],
    ['external:*,!repo', 'https://a.example/', false],
    ['external:http:*', 'http://a.example/', true],
    ['external:http:*', 'https://a.example/', false],
    ['external:http:*', 'http://localhost:1/', false],
  ])('of %s stands for one at %s: %s', (pattern, url, stands) => {
    expect(mirrorOf(repository(url), [mirror(pattern)]) !== undefined).toBe(stands);
  });

  it('of the very id comes before others', () => {
    const all = [mirror('*'), { ...mirror('repo'), id: 'exact' }];
    expect(mirrorOf(repository('https://a.example/'), all)?.id).toBe('exact');
  });
});

describe('pom.xml', () => {
  it('names repositories, and poms beside it', () => {
    const pom = readPom(`<project><parent><groupId>g</groupId></parent>
      <modules><module>a</module><module>b/c.xml</module></modules>
      <repositories><repository><id>r</id><url>https://r.example/</url></repository></repositories>
      <profiles><profile><modules><module>d</module></modules>
        <pluginRepositories><pluginRepository><id>p</id><url>https://p.example/</url></pluginRepository></pluginRepositories>
      </profile></profiles></project>`);
    expect(pom).toEqual({
      repositories: [
        { id: 'r', url: 'https://r.example/' },
        { id: 'p', url: 'https://p.example/' },
      ],
      others: ['..', 'a', 'b/c.xml', 'd'],
    });
  });

  it('has a parent on the disk unless it says otherwise', () => {
    expect(readPom('<project/>').others).toEqual([]);
    expect(readPom('<project><parent><relativePath/></parent></project>').others).toEqual([]);
    expect(
      readPom('<project><parent><relativePath>../p.xml</relativePath></parent></project>').others,
    ).toEqual(['../p.xml']);
  });
});
