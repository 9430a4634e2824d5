/**
 * What a pom.xml says of repositories, and of other poms beside it.
 *
 * @see https://maven.apache.org/pom.html
 * @module
 */
import type { MavenRepository } from './mirrors.ts';
import { child, childrenAt, readXml, textAt, type XmlElement } from './xml.ts';

/** What of one pom.xml decides whom Maven asks. */
export interface Pom {
  readonly repositories: readonly MavenRepository[];
  /** Relative paths of other poms, or of the directories in which they are: the parent, where it may be on the disk, and modules. */
  readonly others: readonly string[];
}

/** Reads the text of a pom.xml. @throws Error that says what is wrong, and where */
export function readPom(text: string): Pom {
  const project = readXml(text);
  const profiles = childrenAt(project, 'profiles', 'profile');
  const all = [project, ...profiles];
  const parent = child(project, 'parent');
  const said = child(parent, 'relativePath');
  // An empty one says that it is not on the disk.
  const relative = parent && (said ? said.text : '..');
  return {
    repositories: all.flatMap(repositoriesIn),
    others: [
      ...(relative ? [relative] : []),
      // Maven 4 calls them subprojects.
      ...all
        .flatMap((each) =>
          [childrenAt(each, 'modules', 'module'), childrenAt(each, 'subprojects', 'subproject')].flat(),
        )
        .map(({ text: path }) => path),
    ],
  };
}

/** The repositories of a project or a profile, those for plugins included. */
export function repositoriesIn(element: XmlElement): readonly MavenRepository[] {
  const lists = [
    childrenAt(element, 'repositories', 'repository'),
    childrenAt(element, 'pluginRepositories', 'pluginRepository'),
  ];
  return lists.flat().flatMap((repository) => {
    const [id, url] = [textAt(repository, 'id'), textAt(repository, 'url')];
    return id === undefined || url === undefined ? [] : [{ id, url }];
  });
}
