/**
 * Gradle, and how it is led to us: by an init script of one run, which gives each repository that we lead another address,
 * and changes nothing else of a build.
 *
 * @see https://docs.gradle.org/current/userguide/init_scripts.html
 * @module
 */
import type { CalledTool, Redirection, Tool, ToolCall } from '../ecosystem.ts';

const words = (text: string): string[] => text.split(' ');

export const calledGradle: CalledTool = {
  executable: 'gradle',
  wrapper: 'gradlew',
  calls: {
    // What it publishes goes where the build says: those repositories are others than what it fetches from.
    aside: [],
    idle: words('-v --version -h --help --status --stop'),
    // The build is always there to be asked whom it names, so no answer can lie ready.
    fetching: [],
    options: [],
  },
  settings: {
    variables: words('GRADLE_USER_HOME GRADLE_OPTS GRADLE_HOME JAVA_OPTS JAVA_HOME'),
    otherVariables: [],
    led: [],
    projectFiles: words(
      'build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties',
    ),
    lockfiles: [],
  },
  stepAside: () => undefined,
};

const SCRIPT = 'init.gradle';

/** The user by whose name the credential is shown; any would do. */
const USER = 'pyrsia';

function redirect({ leading, credential, pathOf }: ToolCall): Redirection {
  if (leading.length === 0) return { env: {} };
  const bases = Object.fromEntries(leading.map(({ upstream, base }) => [upstream, base]));
  return { env: {}, args: ['-I', pathOf(SCRIPT)], files: { [SCRIPT]: scriptFor(bases, credential) } };
}

/**
 * The script, for every Gradle from 4 on. A repository with credentials of its own is left to Gradle. Where addresses come
 * from does not matter: it is what a repository has when a build adds it.
 */
function scriptFor(bases: Readonly<Record<string, string>>, credential: string): string {
  const entries = Object.entries(bases).map(([url, base]) => `  ${quoted(url)}: ${quoted(base)},`);
  return `// By pyrsia, for one run.
def bases = [
${entries.join('\n')}
]
def has = { it != null && (!it.respondsTo('getOrNull') || it.getOrNull() != null) }
def lead = { repositories ->
  repositories.withType(org.gradle.api.artifacts.repositories.MavenArtifactRepository).all { repository ->
    def url = String.valueOf(repository.url).replaceAll('/*$', '') + '/'
    def base = bases[url]
    if (base == null || has(repository.configuredCredentials)) return
    repository.url = base
    if (repository.respondsTo('setAllowInsecureProtocol')) repository.allowInsecureProtocol = true
    repository.credentials {
      username = ${quoted(USER)}
      password = ${quoted(credential)}
    }
    repository.authentication { basic(org.gradle.authentication.http.BasicAuthentication) }
  }
}
if (gradle.respondsTo('beforeSettings')) gradle.beforeSettings { lead(it.buildscript.repositories) }
gradle.settingsEvaluated { settings ->
  lead(settings.pluginManagement.repositories)
  if (settings.hasProperty('dependencyResolutionManagement')) lead(settings.dependencyResolutionManagement.repositories)
}
gradle.allprojects { project ->
  lead(project.buildscript.repositories)
  lead(project.repositories)
}
`;
}

/** A string of Groovy's in which nothing is replaced. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

export const gradle: Tool = { ...calledGradle, redirect };
