/**
 * A project that has one dependency and nothing else, and what Maven lists of it, with a dependency plugin of its own choice.
 *
 * @see https://maven.apache.org/plugins/maven-dependency-plugin/list-mojo.html
 * @module
 */
import type { ClosureBy, Reference } from '../ecosystem.ts';
import { LATEST } from './documents.ts';
import type { MavenRepository } from './mirrors.ts';
import { split } from './names.ts';
import { readPom } from './pom.ts';
import { escaped } from './xml.ts';

const POM = 'pom.xml';

export const closure: ClosureBy = {
  manifest: POM,
  project: (reference, manifest) => ({ [POM]: closurePom(reference, repositoriesIn(manifest)) }),
  command: (pathOf, list) => [
    'mvn',
    '-B',
    '-q',
    '-f',
    pathOf(POM),
    `-Dmaven.repo.local=${pathOf('repository')}`,
    `-DoutputFile=${pathOf(list)}`,
    'dependency:list',
  ],
  resolved: resolvedIn,
};

/** Those of a project at hand; none where it cannot be read. */
function repositoriesIn(manifest: string | undefined): readonly MavenRepository[] {
  try {
    return manifest === undefined ? [] : readPom(manifest).repositories;
  } catch {
    return [];
  }
}

/** The pom.xml of that project. `repositories` are asked for its dependency besides those of the settings. */
export function closurePom(
  { name, wanted, qualifiers = {} }: Reference,
  repositories: readonly MavenRepository[],
): string {
  const [group, artifact] = split(name);
  const { type = 'jar', classifier = '' } = qualifiers;
  const version = wanted === LATEST ? 'RELEASE' : wanted;
  const dependency = { groupId: group, artifactId: artifact, version, type, classifier };
  const unique = new Map(repositories.map((each) => [each.id, each]));
  const named = [...unique.values()].map(
    ({ id, url }) => `<repository>${element('id', id)}${element('url', url)}</repository>`,
  );
  const said = Object.entries(dependency).map(([tag, text]) => element(tag, text));
  return `<project><modelVersion>4.0.0</modelVersion>
<groupId>pyrsia</groupId><artifactId>closure</artifactId><version>1</version><packaging>pom</packaging>
<repositories>${named.join('')}</repositories>
<dependencies><dependency>${said.join('')}</dependency></dependencies></project>
`;
}

/** `   org.slf4j:slf4j-api:jar:2.0.17:compile`, with a classifier before the version where there is one. */
const LINE =
  /^\s*([^\s:]+):([^\s:]+):([^\s:]+)(?::([^\s:]+))?:([^\s:]+):(?:compile|provided|runtime|test|system)\b/;

/** References of all that `list` says was resolved, those of `first` before all others. */
export function resolvedIn(list: string, first: Pick<Reference, 'name'>): readonly string[] {
  const found = list.split('\n').flatMap((line) => {
    const [, group, artifact, type, classifier, version] = LINE.exec(line) ?? [];
    if (group === undefined) return [];
    const more = classifier === undefined ? (type === 'jar' ? [] : [type]) : [type, classifier];
    return [{ name: `${group}:${artifact}`, text: ['maven', group, artifact, version, ...more].join(':') }];
  });
  const sorted = found.toSorted((a, b) => Number(b.name === first.name) - Number(a.name === first.name));
  return [...new Set(sorted.map(({ text }) => text))];
}

function element(tag: string, text: string): string {
  return text === '' ? '' : `<${tag}>${escaped(text)}</${tag}>`;
}
