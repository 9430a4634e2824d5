import { expect, it } from 'vitest';
import { closurePom, resolvedIn } from '../../../src/ecosystems/maven/closure.ts';
import { readPom } from '../../../src/ecosystems/maven/pom.ts';
import { childrenAt, readXml, textAt } from '../../../src/ecosystems/maven/xml.ts';

const reference = { ecosystem: 'maven', name: 'org.example:app', wanted: '1.0' } as const;

it('A project that has one dependency names it, and the repositories of the project at hand', () => {
  const repositories = [{ id: 'ours', url: 'http://repository.example/a?b=1&c=2' }];
  const pom = closurePom({ ...reference, qualifiers: { type: 'zip', classifier: 'bin' } }, [
    ...repositories,
    ...repositories,
  ]);
  expect(readPom(pom).repositories).toEqual(repositories);
  const [dependency] = childrenAt(readXml(pom), 'dependencies', 'dependency');
  const said = ['groupId', 'artifactId', 'version', 'type', 'classifier'];
  expect(said.map((each) => textAt(dependency, each))).toEqual(['org.example', 'app', '1.0', 'zip', 'bin']);
  const latest = readXml(closurePom({ ...reference, wanted: 'latest' }, []));
  expect(textAt(latest, 'dependencies', 'dependency', 'version')).toBe('RELEASE');
});

it('What Maven lists is read, in the spellings of its dependency plugin', () => {
  const list = `
The following files have been resolved:
   org.other:lib:jar:2.0:compile
   org.example:app:jar:1.0:compile -- module org.example.app
   org.example:native:jar:linux-x86_64:3.0:runtime -- module native [auto]
   org.example:tests:test-jar:tests:1.0:test (optional)
   org.example:app:jar:1.0:compile
   none
`;
  expect(resolvedIn(list, reference)).toEqual([
    'maven:org.example:app:1.0',
    'maven:org.other:lib:2.0',
    'maven:org.example:native:3.0:jar:linux-x86_64',
    'maven:org.example:tests:1.0:test-jar:tests',
  ]);
});
