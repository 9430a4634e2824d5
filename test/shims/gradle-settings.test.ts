import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGradleSettings } from '../../src/shims/gradle-settings.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'gradle-'))));
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  return join(root, path);
}

const jar = (name: string, url: string): Uint8Array => zipSync({ [name]: strToU8(`\0\0${url}\u0001\0`) });

/** An installation that ships two addresses, as strings stand in classes. */
function installed(home = 'opt'): string {
  write(
    `${home}/lib/gradle-core-api-8.5.jar`,
    jar('org/gradle/api/artifacts/ArtifactRepositoryContainer.class', 'https://central.example/maven2/'),
  );
  write(
    `${home}/lib/plugins/gradle-dependency-management-8.5.jar`,
    jar(
      'org/gradle/api/internal/artifacts/repositories/DefaultBaseRepositoryFactory.class',
      'https://plugins.example/m2',
    ),
  );
  return write(`${home}/bin/gradle`, '');
}

const read = async (cwd: string, args: string[] = []): Promise<string[][]> => {
  const executable = installed();
  const env = { HOME: join(root, 'home') };
  const { upstreams } = await readGradleSettings({ cwd: join(root, cwd), args, env, executable });
  return upstreams.map(({ url, shipped }) => [url, shipped ? 'public' : '']);
};
const SHIPPED = [
  ['https://central.example/maven2/', 'public'],
  ['https://plugins.example/m2/', ''],
];

describe('gradle', () => {
  it('asks those that it ships, of which the first is the public one', async () => {
    write('project/build.gradle', '');
    expect(await read('project')).toEqual(SHIPPED);
  });

  it('of a project’s own gradlew asks those that the Gradle ships that it names, once that is unpacked', async () => {
    const executable = write('project/gradlew', '');
    const cwd = join(root, 'project');
    const env = { HOME: join(root, 'home') };
    write(
      'project/gradle/wrapper/gradle-wrapper.properties',
      'distributionBase=GRADLE_USER_HOME\ndistributionUrl=https\\://gradle.example/distributions/gradle-8.5-bin.zip\n',
    );
    expect((await readGradleSettings({ cwd, args: [], env, executable })).upstreams).toEqual([]);
    installed('home/.gradle/wrapper/dists/gradle-8.4-bin/5t9huq95ubn472n8rpzujfbqh/gradle-8.4');
    expect((await readGradleSettings({ cwd, args: [], env, executable })).upstreams).toEqual([]);
    installed('home/.gradle/wrapper/dists/gradle-8.5-bin/5t9huq95ubn472n8rpzujfbqh/gradle-8.5');
    const { upstreams } = await readGradleSettings({ cwd, args: [], env, executable });
    expect(upstreams.map(({ url, shipped }) => [url, shipped ? 'public' : ''])).toEqual(SHIPPED);
  });

  it('asks those whose addresses stand in the scripts of the whole build, from anywhere in it', async () => {
    write('project/settings.gradle.kts', 'maven { url = uri("https://a.example/x") }');
    write(
      'project/app/build.gradle',
      'maven { url \'http://b.example:81/y/\' }; maven { url "https://${host}/z" }',
    );
    write('project/app/build/left.gradle', "maven { url 'https://not.example/' }");
    write('home/.gradle/init.d/all.gradle', "maven { url 'https://c.example' }");
    const all = [
      ...SHIPPED,
      ['https://a.example/x/', ''],
      ['http://b.example:81/y/', ''],
      ['https://c.example/', ''],
    ];
    expect(await read('project/app')).toEqual(all);
    expect(await read('.', ['-p', join(root, 'project')])).toEqual(all);
  });

  it('asks none with a password in its address as if it had none', async () => {
    write('project/build.gradle', "maven { url 'https://me:secret@d.example/' }");
    expect(await read('project')).toEqual(SHIPPED);
  });

  it('asks by the proxy that its properties name', async () => {
    write(
      'project/gradle.properties',
      'systemProp.https.proxyHost=proxy.example\nsystemProp.https.proxyPort=3128\nsystemProp.http.nonProxyHosts=*.inside|localhost\n',
    );
    const context = { cwd: join(root, 'project'), args: [], env: { HOME: join(root, 'home') } };
    expect((await readGradleSettings(context)).connection).toMatchObject({
      httpsProxy: 'http://proxy.example:3128',
      noProxy: '.inside,localhost',
    });
  });
});
