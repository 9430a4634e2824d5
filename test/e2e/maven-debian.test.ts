import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MavenRepository, publish, startMavenRepository } from '../support/maven-repository.ts';
import { canUnshareNetwork } from '../support/network.ts';
import { contentOf, type MavenWorld, mvn, openMavenWorld, projectPom, write } from './maven-world.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;
/** Where Debian's packages of Java libraries put what they are for Maven: jars and poms, and no checksums. */
const DEBIAN = '/usr/share/maven-repo';
/** What comes along with Debian's maven itself. */
const WANTED = [
  'com.google.guava:guava',
  'org.apache.commons:commons-lang3',
  'commons-io:commons-io',
  'commons-cli:commons-cli',
  'org.apache.maven.shared:maven-shared-utils',
];

let world: MavenWorld;
let debian: MavenRepository;
beforeAll(async () => {
  world = await openMavenWorld();
  debian = await startMavenRepository(DEBIAN);
  const { repository, project } = world;
  const dependencies = WANTED.map((name) => {
    const [group, artifact] = name.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>debian</version></dependency>`;
  });
  publish(repository, 'extension', '2.0', { more: `<dependencies>${dependencies.join('')}</dependencies>` });
  const theirs = `<pluginRepository><id>debian</id><url>${debian.url}</url></pluginRepository></pluginRepositories>`;
  write(
    join(project, 'pom.xml'),
    projectPom(repository.url, { extension: '2.0' }).replace('</pluginRepositories>', theirs),
  );
});
afterAll(async () => {
  await debian[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** What Debian was asked for since this was asked last, but for what Maven looks for that is not there. */
function asked(): { readonly files: readonly string[]; readonly all: number } {
  const requests = debian.requests.splice(0);
  const files = requests.filter((path) => /\.(pom|jar)$/.test(path));
  return { files, all: requests.length };
}

/** What a local repository holds of artifacts, and where each is from. */
const artifactsOf = (to: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(contentOf(to)).filter(([path]) => /\.(pom|jar)$|_remote\.repositories$/.test(path)),
  );

describe.skipIf(!hasMaven)('Debian’s repository, which has no checksums', { timeout: 480_000 }, () => {
  it.skipIf(!canUnshareNetwork())(
    'is asked for a third less through us, fills the same local repository, and is there without a network',
    async () => {
      const { direct, through, cut, local } = world;
      const [without, first, second] = [local(), local(), local()];
      const alone = await direct(mvn(without));
      expect(alone.code, alone.stdout).toBe(0);
      const past = asked();
      expect(past.files.length).toBeGreaterThan(15);
      // Each file, and whether there is a .sha1 and a .md5 of it.
      expect(past.all).toBe(3 * past.files.length);

      const cold = await through(mvn(first));
      expect(cold.code, cold.stdout + cold.stderr).toBe(0);
      const led = asked();
      expect(led.files.toSorted()).toEqual(past.files.toSorted());
      // Each file, and whether there is a .sha1; once whether there are others.
      expect(led.all).toBe(2 * led.files.length + 2);
      expect(artifactsOf(first)).toEqual(artifactsOf(without));

      expect(await through(mvn(second))).toMatchObject({ code: 0 });
      expect(asked().all).toBe(0);
      const to = local();
      expect(await cut(mvn(to))).toMatchObject({ code: 0 });
      const jar = globSync(`com/google/guava/guava/debian/*.jar`, { cwd: to });
      expect(readFileSync(join(to, jar[0]!)).equals(readFileSync(join(DEBIAN, jar[0]!)))).toBe(true);
    },
  );
});
