import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMavenSettings } from '../../src/shims/maven-settings.ts';

let directory: string;
const at = (...path: string[]): string => join(directory, ...path);

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'maven-'));
  write('project/pom.xml', '<project><modules><module>part</module></modules></project>');
  write('project/part/pom.xml', '<project/>');
});
afterEach(() => rmSync(directory, { recursive: true }));

const build = async (args: readonly string[] = [], env: Record<string, string> = {}) =>
  (
    await readMavenSettings({
      cwd: at('project'),
      args: ['validate', ...args],
      env: { ...env, MAVEN_OPTS: `-Duser.home=${at('home')} ${env['MAVEN_OPTS'] ?? ''}` },
    })
  ).build;

describe('the local repository', () => {
  it("is the user's, where nobody says otherwise", async () => {
    expect(await build()).toMatchObject({ local: at('home/.m2/repository'), project: at('project/pom.xml') });
  });

  it.each([
    ['an argument', ['-Dmaven.repo.local=own'], {}],
    ['an argument in two words', ['-D', 'maven.repo.local=own'], {}],
    ['a long one', ['--define', 'maven.repo.local=own'], {}],
    ['MAVEN_ARGS', [], { MAVEN_ARGS: '-Dmaven.repo.local=own' }],
    ['MAVEN_OPTS', [], { MAVEN_OPTS: '-Xmx1g -Dmaven.repo.local=own' }],
    ['JAVA_TOOL_OPTIONS', [], { JAVA_TOOL_OPTIONS: '-Dmaven.repo.local=own' }],
    ['the same twice', ['-Dmaven.repo.local=own'], { MAVEN_OPTS: '-Dmaven.repo.local=own' }],
  ])('is named by %s', async (_, args, env) => {
    expect(await build(args, env)).toMatchObject({ local: at('project/own') });
  });

  it('is named by files of the project', async () => {
    write('project/.mvn/maven.config', '-Dmaven.repo.local=config\n');
    expect(await build()).toMatchObject({ local: at('project/config') });
    write('project/.mvn/maven.config', '');
    write('project/.mvn/jvm.config', '-Xmx1g\n-Dmaven.repo.local=jvm\n');
    expect(await build()).toMatchObject({ local: at('project/jvm') });
  });

  it("is named by settings, the user's first", async () => {
    write('global.xml', `<settings><localRepository>${at('global')}</localRepository></settings>`);
    const args = ['-gs', at('global.xml')];
    expect(await build(args)).toMatchObject({ local: at('global') });
    write(
      'home/.m2/settings.xml',
      '<settings><localRepository>${user.home}/users</localRepository></settings>',
    );
    expect(await build(args)).toMatchObject({ local: at('home/users') });
    expect(await build([...args, '-Dmaven.repo.local=own'])).toMatchObject({ local: at('project/own') });
  });

  it.each<[string, readonly string[], Record<string, string>, Record<string, string>]>([
    ['two that differ', ['-Dmaven.repo.local=a'], { MAVEN_OPTS: '-Dmaven.repo.local=b' }, {}],
    ['several parts', ['-Dmaven.repo.local.tail=/other'], {}, {}],
    ['parts by origin', ['-Daether.enhancedLocalRepository.split=true'], {}, {}],
    ['the layout of old', ['-llr'], {}, {}],
    ['options of Java', [], { MAVEN_OPTS: '-Daether.enhancedLocalRepository.split' }, {}],
    [
      'a property of the settings',
      [],
      {},
      {
        'home/.m2/settings.xml':
          '<settings><profiles><profile><properties><aether.x>1</aether.x></properties></profile></profiles></settings>',
      },
    ],
    ['properties of Maven 4', [], {}, { 'home/.m2/maven-user.properties': 'maven.repo.local=/other' }],
    [
      'properties of the project',
      [],
      {},
      { 'project/.mvn/maven-user.properties': 'maven.repo.local=/other' },
    ],
    ['another home', [], {}, { 'project/.mvn/jvm.config': '-Duser.home=/other' }],
    [
      'a variable',
      [],
      {},
      { 'home/.m2/settings.xml': '<settings><localRepository>${env.X}/r</localRepository></settings>' },
    ],
    ['none, since nobody is asked', ['-o'], {}, {}],
  ])('is not told by us of %s', async (_, args, env, files) => {
    for (const [path, text] of Object.entries(files)) write(path, text);
    expect(await build(args, env)).toBeUndefined();
  });
});

describe('a project', () => {
  it('is the same as long as each of its poms is', async () => {
    const first = await build();
    expect(await build(['-X'])).toEqual(first);
    write('project/part/pom.xml', '<project><description/></project>');
    expect((await build())?.digest).not.toBe(first?.digest);
  });

  it('is none without a pom', async () => {
    rmSync(at('project/pom.xml'));
    expect(await build()).toBeUndefined();
  });
});
