import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finished } from '../support/command.ts';
import { canUnshareNetwork } from '../support/network.ts';
import { EXTENSION, type MavenWorld, openMavenWorld, write } from './maven-world.ts';

const hasGradle = spawnSync('gradle', ['--version'], { stdio: 'ignore' }).status === 0;

let world: MavenWorld;
beforeAll(async () => void (world = await openMavenWorld()));
afterAll(async () => world[Symbol.asyncDispose]());

/** A build that wants the extension, and tells of which files that is. */
function writeBuild(): void {
  const { project, repository } = world;
  write(join(project, 'settings.gradle'), "rootProject.name = 'project'\n");
  write(
    join(project, 'build.gradle'),
    `repositories { maven { url '${repository.url}' } }
configurations { wanted }
dependencies { wanted 'org.example:extension:1.0' }
task show { doLast { println configurations.wanted.files*.name.sort() + repositories*.name } }
`,
  );
}

const FILES = '[extension-1.0.jar, library-2.0.jar, maven]';
const command = ['gradle', '--no-daemon', '-q', 'show'];
/** In a Gradle's home that is empty. */
const home = (name: string): Record<string, string> => ({ GRADLE_USER_HOME: join(world.sandbox.root, name) });
const shown = ({ code, stdout, stderr }: Finished): unknown[] => [code, stdout.trim(), stderr];

describe.skipIf(!hasGradle)('gradle through pyrsia exec', { timeout: 480_000 }, () => {
  it.skipIf(!canUnshareNetwork())('fetches once, and again where there is no network', async () => {
    writeBuild();
    const { repository, through, direct, cut, sandbox } = world;
    const cold = await through(command, home('first'));
    expect(shown(cold)).toEqual([0, FILES, expect.stringContaining('4 artifacts · 4 upstream · 4 verified')]);
    // Each once, and what it declares; Gradle itself asks more than that.
    expect(repository.requests.toSorted()).toEqual(
      [
        `${EXTENSION}.jar`,
        `${EXTENSION}.pom`,
        '/org/example/library/2.0/library-2.0.jar',
        '/org/example/library/2.0/library-2.0.pom',
      ]
        .flatMap((path) => [path, `${path}.sha1`])
        .toSorted(),
    );

    repository.requests.length = 0;
    expect(shown(await cut(command, home('second')))).toEqual([0, FILES, expect.stringContaining('4 cache')]);
    // What came through us is there through us, asking nobody.
    const again = await through([...command, '--offline'], home('first'));
    expect([again.code, again.stdout.trim(), again.stderr]).toEqual([
      0,
      FILES,
      expect.not.stringContaining('pyrsia:'),
    ]);
    expect(repository.requests).toEqual([]);

    // And it is what Gradle gets without us.
    expect(shown(await direct(command, home('third'))).slice(0, 2)).toEqual([0, FILES]);
    const jarIn = (name: string): unknown =>
      spawnSync('sh', [
        '-c',
        'cat $(find "$0" -name "*.jar" | grep files-2 | sort) | sha256sum',
        join(sandbox.root, name),
      ]).stdout.toString();
    expect(jarIn('first')).toBe(jarIn('third'));
  });

  it('does not get a jar with one flipped byte', async () => {
    writeBuild();
    const { repository, project, through } = world;
    const at = '/org/example/library/2.1/library-2.1';
    const [pom, jar] = ['pom', 'jar'].map((type) =>
      Buffer.from(repository.files.get(`${at.replaceAll('2.1', '2.0')}.${type}`)!),
    );
    repository.put(`${at}.pom`, pom!.toString().replaceAll('2.0', '2.1'));
    repository.put(`${at}.jar`, jar!);
    jar![40]! ^= 1;
    repository.files.set(`${at}.jar`, jar!);
    const build = join(project, 'build.gradle');
    write(build, readFileSync(build, 'utf8').replace('extension:1.0', 'library:2.1'));
    const refused = await through(command, home('flipped'));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('does not match its digest')]);
    expect(existsSync(join(project, 'gradle'))).toBe(false);
  });
});
