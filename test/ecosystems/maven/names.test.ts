import { describe, expect, it } from 'vitest';
import { purlOf } from '../../../src/content/coordinates.ts';
import { artifactAt, coordinatesOf, pathOf } from '../../../src/ecosystems/maven/names.ts';
import { maven } from '../../../src/ecosystems/maven/maven.ts';

const at = (path: string) => artifactAt(path.split('/').slice(1));

describe('A file of a repository', () => {
  it.each([
    ['/org/example/app/1.0/app-1.0.jar', 'pkg:maven/org.example/app@1.0'],
    ['/org/example/app/1.0/app-1.0.pom', 'pkg:maven/org.example/app@1.0?type=pom'],
    ['/org/example/app/1.0/app-1.0-sources.jar', 'pkg:maven/org.example/app@1.0?classifier=sources'],
    ['/org/example/app/1.0/app-1.0-jdk1.5.jar', 'pkg:maven/org.example/app@1.0?classifier=jdk1.5'],
    ['/org/example/app/1.0/app-1.0-bin.tar.gz', 'pkg:maven/org.example/app@1.0?classifier=bin&type=tar.gz'],
    ['/org/example/app/1.0/app-1.0.jar.asc', 'pkg:maven/org.example/app@1.0?type=jar.asc'],
    ['/junit/junit/4.13/junit-4.13.jar', 'pkg:maven/junit/junit@4.13'],
    ['/org/App/App/1.0/App-1.0.jar', 'pkg:maven/org.App/App@1.0'],
    [
      '/org/example/app/1.0-SNAPSHOT/app-1.0-20260102.030405-6.war',
      'pkg:maven/org.example/app@1.0-20260102.030405-6?type=war',
    ],
  ])('at %s is %s, and lies there', async (path, purl) => {
    const coordinates = at(path)!;
    expect([purlOf(coordinates), pathOf(coordinates)]).toEqual([purl, path]);
    const reference = await maven.parse(purl);
    expect(maven.registry.exact(reference!)).toEqual({ coordinates, path });
  });

  it('is another one where a letter is in another case', () => {
    expect(purlOf(at('/org/App/app/1.0/app-1.0.jar')!)).not.toBe(purlOf(at('/org/app/app/1.0/app-1.0.jar')!));
  });

  it('is known by what types stand for', () => {
    const gav = { group: 'g', artifact: 'a', version: '1' };
    const path = (type: string, classifier?: string) =>
      pathOf(coordinatesOf({ ...gav, type, ...(classifier === undefined ? {} : { classifier }) }));
    expect(path('test-jar')).toBe('/g/a/1/a-1-tests.jar');
    expect(path('maven-plugin')).toBe('/g/a/1/a-1.jar');
    expect(path('javadoc')).toBe('/g/a/1/a-1-javadoc.jar');
    expect(path('jar', 'linux-x86_64')).toBe('/g/a/1/a-1-linux-x86_64.jar');
    expect(path('zip', 'bin')).toBe('/g/a/1/a-1-bin.zip');
  });

  it('is none where a group has a dot in one component', () => {
    // Two paths would be one name: /a.b/c/… and /a/b/c/….
    expect(at('/a.b/c/1/c-1.jar')).toBeUndefined();
  });
});
