/**
 * mvn, as its stand-in knows it. A run of it waits until this is loaded.
 *
 * @module
 */
import type { CalledTool } from '../ecosystem.ts';

const words = (text: string): string[] => text.split(' ');

export const calledMvn: CalledTool = {
  executable: 'mvn',
  wrapper: 'mvnw',
  calls: {
    // What it deploys goes where the project says: no mirror is asked about that.
    aside: [],
    idle: words('-v --version -h --help -ep --encrypt-password -emp --encrypt-master-password'),
    // A project is always there to be asked whom it names, so no answer can lie ready.
    fetching: [],
    options: [],
  },
  settings: {
    variables: words(
      'MAVEN_ARGS MAVEN_OPTS MAVEN_BASEDIR MAVEN_REPO_CENTRAL MAVEN_USER_HOME MVNW_REPOURL JAVA_HOME JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS',
    ),
    otherVariables: [],
    led: [],
    projectFiles: ['pom.xml', '.mvn'],
    lockfiles: [],
  },
  stepAside: () => undefined,
};
