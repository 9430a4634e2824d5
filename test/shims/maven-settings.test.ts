import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMavenSettings } from '../../src/shims/maven-settings.ts';

const CENTRAL = 'https://central.example/maven2';

let directory: string;
const at = (...path: string[]): string => join(directory, ...path);

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}

const repository = (id: string, url: string): string =>
  `<repository><id>${id}</id><url>${url}</url></repository>`;
const mirror = (id: string, of: string, url: string, more = ''): string =>
  `<mirror><id>${id}</id><mirrorOf>${of}</mirrorOf><url>${url}</url>${more}</mirror>`;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'maven-'));
  const superPom = `<project><repositories>${repository('central', CENTRAL)}</repositories></project>`;
  write(
    'maven/lib/maven-model-builder-3.9.jar',
    zipSync({ 'other.txt': strToU8('x'), 'org/apache/maven/model/pom-4.0.0.xml': strToU8(superPom) }),
  );
  write('maven/bin/mvn', '#!/bin/sh\n');
  write(
    'maven/conf/settings.xml',
    `<settings><mirrors>${mirror('maven-default-http-blocker', 'external:http:*', 'http://0.0.0.0/', '<blocked>true</blocked>')}</mirrors></settings>`,
  );
  mkdirSync(at('bin'));
  symlinkSync(at('maven/bin/mvn'), at('bin/mvn'));
  mkdirSync(at('project'));
});
afterEach(async () => rm(directory, { recursive: true }));

const read = async (args: readonly string[] = [], env: Record<string, string> = {}) =>
  readMavenSettings({
    cwd: at('project'),
    args,
    env: { MAVEN_OPTS: `-Duser.home=${at('home')}`, ...env },
    executable: at('bin/mvn'),
  });
const asked = async (...args: Parameters<typeof read>) =>
  Object.fromEntries((await read(...args)).upstreams.map(({ scope, url }) => [scope, url]));
const pom = (more: string): string => `<project><modelVersion>4.0.0</modelVersion>${more}</project>`;

const wrapped = async (more: { readonly pom?: string; readonly settings?: string } = {}) => {
  write('project/mvnw', '#!/bin/sh\n# hash_string()\n');
  write(
    'project/.mvn/wrapper/maven-wrapper.properties',
    'distributionUrl=https://right.example/r/org/apache/maven/apache-maven/3.9.9/apache-maven-3.9.9-bin.zip\n',
  );
  write(
    'project/pom.xml',
    pom(`<repositories>${repository('other', 'https://other.example/r')}${more.pom ?? ''}</repositories>`),
  );
  if (more.settings !== undefined) write('home/.m2/settings.xml', `<settings>${more.settings}</settings>`);
  const { distribution } = await readMavenSettings({
    cwd: at('project'),
    args: [],
    env: { MAVEN_OPTS: `-Duser.home=${at('home')}` },
    executable: at('bin/mvn'),
    forWrapper: true,
  });
  return distribution;
};

describe('A project’s own mvnw', () => {
  it('has its Maven from where its address says, or from the mirror that the user has for that', async () => {
    expect(await wrapped()).toBe('https://right.example/r/');
    expect(await wrapped({ pom: repository('right', 'https://right.example/r') })).toBe(
      'https://right.example/r/',
    );
    const mirrors = `<mirrors>${mirror('all', '*', 'https://all.example')}</mirrors>`;
    expect(await wrapped({ settings: mirrors })).toBe('https://all.example/');
  });

  it('has it from nobody where that one may not be asked', async () => {
    const blocked = `<mirrors>${mirror('no', 'mvnw', 'http://0.0.0.0/', '<blocked>true</blocked>')}</mirrors>`;
    expect(await wrapped({ settings: blocked })).toBeUndefined();
  });
});

describe('mvn', () => {
  it('asks the repository of its own super POM, which is the public one', async () => {
    const { upstreams, connection } = await read();
    expect(upstreams).toEqual([{ url: `${CENTRAL}/`, scope: 'central', shipped: true }]);
    expect(connection.ca?.length).toBeGreaterThan(0);
  });

  it('of version 4 asks the one in its properties, under the name that its settings have for it', async () => {
    write(
      'maven/conf/maven.properties',
      `# a = b\nmaven.repo.central = \${env.MAVEN_REPO_CENTRAL:-${CENTRAL}}\n`,
    );
    write('maven/lib/maven-model-builder-3.9.jar', zipSync({}));
    write(
      'maven/conf/settings.xml',
      `<settings><profiles><profile><repositories>${repository('central', '${maven.repo.central}')}</repositories></profile></profiles></settings>`,
    );
    expect((await read()).upstreams).toEqual([{ url: `${CENTRAL}/`, scope: 'central', shipped: true }]);
    const other = 'https://other.example/';
    expect((await read([], { MAVEN_REPO_CENTRAL: other })).upstreams).toEqual([
      { url: other, scope: 'central', shipped: false },
    ]);
    expect(await asked([`-Dmaven.repo.central=${other}`])).toEqual({});
  });

  it('asks those of the project, its parents and modules, and of the settings', async () => {
    write(
      'pom.xml',
      pom(`<repositories>${repository('parents', 'https://parents.example/')}</repositories>`),
    );
    write(
      'project/pom.xml',
      pom('<parent><artifactId>p</artifactId></parent><modules><module>a</module></modules>'),
    );
    write(
      'project/a/pom.xml',
      pom(`<repositories>${repository('modules', 'https://modules.example/m')}</repositories>`),
    );
    write(
      'home/.m2/settings.xml',
      `<settings><profiles><profile><repositories>${repository('users', 'https://users.example/')}</repositories></profile></profiles></settings>`,
    );
    expect(await asked()).toEqual({
      central: `${CENTRAL}/`,
      parents: 'https://parents.example/',
      modules: 'https://modules.example/m/',
      users: 'https://users.example/',
    });
    expect(Object.keys(await asked(['-f', '../pom.xml']))).toEqual(['central', 'users', 'parents']);
  });

  it('asks nobody for what it blocks, and who is on this machine', async () => {
    const all = [repository('plain', 'http://plain.example/'), repository('here', 'http://127.0.0.1:1/')];
    write('project/pom.xml', pom(`<repositories>${all.join('')}</repositories>`));
    expect(await asked()).toEqual({ central: `${CENTRAL}/`, here: 'http://127.0.0.1:1/' });
  });

  it("asks its user's mirror, under its id", async () => {
    write(
      'home/.m2/settings.xml',
      `<settings><mirrors>${mirror('inside', '*,!other', 'https://inside.example/all')}</mirrors></settings>`,
    );
    write(
      'project/pom.xml',
      pom(
        `<repositories>${repository('other', 'https://other.example/')}${repository('third', 'https://third.example/')}</repositories>`,
      ),
    );
    const { upstreams, userConfig } = await read();
    expect(upstreams).toEqual([
      { url: 'https://inside.example/all/', scope: 'inside', shipped: false },
      { url: 'https://other.example/', scope: 'other', shipped: false },
    ]);
    expect(userConfig).toContain('inside.example');
  });

  it('asks as whom its settings say, which is told without a secret', async () => {
    const header =
      '<configuration><httpHeaders><property><name>Private-Token</name><value>t0ken</value></property></httpHeaders></configuration>';
    write(
      'home/.m2/settings.xml',
      `<settings><servers><server><id>secret</id><username>me</username><password>{x=}</password></server>
<server><id>token</id>${header}</server><server><id>slow</id><configuration><timeout>1</timeout></configuration></server></servers></settings>`,
    );
    write(
      'maven/conf/settings.xml',
      `<settings><servers><server><id>token</id><username>all</username></server></servers></settings>`,
    );
    const all = ['secret', 'token', 'slow'].map((id) => repository(id, `https://${id}.example/`));
    all.push(repository('inside', 'https://me:s3cret@inside.example/'));
    write('project/pom.xml', pom(`<repositories>${all.join('')}</repositories>`));
    const { upstreams } = await read();
    expect(upstreams.map(({ scope, proof, unsupported }) => [scope, proof, unsupported])).toEqual([
      ['central', undefined, undefined],
      ['secret', { byPassword: true, headers: [] }, undefined],
      ['token', { byPassword: false, headers: ['private-token'] }, undefined],
      ['slow', { byPassword: false, headers: [] }, undefined],
      ['inside', undefined, 'credentials'],
    ]);
    expect(JSON.stringify(upstreams)).not.toMatch(/s3cret|t0ken|x=/);
  });

  it('is not led where an id means two repositories, or nobody knows which', async () => {
    const all = [
      repository('two', 'https://one.example/'),
      repository('property', 'https://${host}/'),
      repository('file', 'file:///srv/maven'),
    ];
    write(
      'project/pom.xml',
      pom(`<modules><module>a</module></modules><repositories>${all.join('')}</repositories>`),
    );
    write(
      'project/a/pom.xml',
      pom(`<repositories>${repository('two', 'https://two.example/')}</repositories>`),
    );
    expect(Object.keys(await asked())).toEqual(['central']);
  });

  it('reads the settings that a call names, wherever it does', async () => {
    write(
      'own.xml',
      `<settings><mirrors>${mirror('own', 'central', 'https://own.example/')}</mirrors></settings>`,
    );
    const own = { own: 'https://own.example/' };
    for (const args of [['-s', '../own.xml'], [`--settings=${at('own.xml')}`], ['-gs', '../own.xml']])
      expect([args, await asked(args)]).toEqual([args, own]);
    expect(await asked([], { MAVEN_ARGS: `-s ${at('own.xml')}` })).toEqual(own);
    write('project/.mvn/maven.config', `-B\n-s\n${at('own.xml')}\n`);
    expect(await asked()).toEqual(own);
  });

  it('goes through the proxy that its user has', async () => {
    write(
      'home/.m2/settings.xml',
      '<settings><proxies><proxy><protocol>http</protocol><host>proxy.example</host><port>3128</port><username>me</username><password>p@ss</password><nonProxyHosts>*.inside.example|localhost</nonProxyHosts></proxy></proxies></settings>',
    );
    const { connection, upstreams } = await read();
    expect(connection).toMatchObject({
      httpProxy: 'http://me:p%40ss@proxy.example:3128',
      httpsProxy: 'http://me:p%40ss@proxy.example:3128',
      noProxy: '.inside.example,localhost',
    });
    expect(upstreams[0]).not.toHaveProperty('unsupported');
    write(
      'home/.m2/settings.xml',
      '<settings><proxies><proxy><host>proxy.example</host><username>me</username><password>{COQLCE6DU6GtcS5P=}</password></proxy></proxies></settings>',
    );
    expect((await read()).upstreams[0]).toMatchObject({ unsupported: 'a proxy whose password is encrypted' });
  });

  it.each([
    ['broken', '<settings><mirrors></settings>'],
    ['something else', '<project/>'],
    ['not XML', 'x'],
  ])('is not led by settings that are %s: the file is named', async (_, text) => {
    write('home/.m2/settings.xml', text);
    await expect(read()).rejects.toThrowError(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(at('home/.m2/settings.xml')),
      }),
    );
  });

  it('is led to nobody by settings that are ours already, nor offline', async () => {
    write('ours.xml', '<settings/>\n<!-- by pyrsia, for one run -->\n');
    expect(await asked(['-gs', '../ours.xml'])).toEqual({});
    expect(await asked(['-o'])).toEqual({});
  });

  it('is told of repositories that only poms of dependencies name, where nothing leads them', async () => {
    const { namedIn } = await read();
    const named = [
      repository('deep', 'https://deep.example/m2'),
      repository('central', 'https://other.example/m2'),
      repository('blocked', 'http://blocked.example/m2'),
      repository('here', 'file:///repository'),
    ];
    const text = `<project><repositories>${named.join('')}</repositories></project>`;
    expect(namedIn!('a-1.pom', text)).toEqual(['deep (deep.example)', 'here (file:///repository)']);
    expect(namedIn!('a-1.jar', text)).toEqual([]);
    expect(namedIn!('a-1.pom', '<project><repository>')).toEqual([]);
    write(
      'home/.m2/settings.xml',
      `<settings><mirrors>${mirror('inside', '*', 'https://inside.example')}</mirrors></settings>`,
    );
    expect((await read()).namedIn!('a-1.pom', text)).toEqual([]);
  });
});
