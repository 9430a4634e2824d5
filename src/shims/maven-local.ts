/**
 * Where the local repository of a call of mvn lies, as far as that is certain: one that is put together in a way of its
 * own, or named in several ways, is mvn's alone.
 *
 * @see https://maven.apache.org/resolver/configuration.html
 * @module
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { MavenCall } from './maven-arguments.ts';

/** What says that it has another layout, or several parts. */
const OWN_WAY = /aether\.|maven\.repo\.local\.|legacy-?local-?repo|(?:^|\s)-llr(?:\s|$)/i;
const NAMED = /(?:^|\s)(?:-D\s*|--define[\s=])"?maven\.repo\.local=("[^"]*"|\S+)/g;
/** What would have to be understood, and is not. */
const MENTIONED = /maven\.repo\.local|user\.home|aether\./;

/** What says where it is. */
export interface LocalParts {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly call: Pick<MavenCall, 'words' | 'home' | 'root'>;
  /** Texts of the settings in force, the user's first, and the directory that they name as the local repository. */
  readonly settings: readonly { readonly text: string; readonly localRepository?: string }[];
}

/** Path of the local repository; undefined where it cannot be told. */
export async function localRepositoryOf({
  cwd,
  env,
  call,
  settings,
}: LocalParts): Promise<string | undefined> {
  const { words, home, root } = call;
  const config = root === undefined ? undefined : join(root, '.mvn');
  const jvm = config === undefined ? '' : await textOf(join(config, 'jvm.config'));
  const { MAVEN_OPTS: options = '', JAVA_TOOL_OPTIONS: java = '', JDK_JAVA_OPTIONS: jdk = '' } = env;
  // Each of them stands for itself, whatever spaces are in it.
  const said = [options, java, jdk, jvm.replaceAll('\n', ' ')];
  if ([...words, ...said, ...settings.map(({ text }) => text)].some((text) => OWN_WAY.test(text)))
    return undefined;
  const files = [
    join(homedir(), '.mavenrc'),
    '/etc/mavenrc',
    '/usr/local/etc/mavenrc',
    ...[config, join(home, '.m2')].flatMap((directory) =>
      directory === undefined
        ? []
        : ['maven.properties', 'maven-user.properties'].map((name) => join(directory, name)),
    ),
  ];
  const texts = await Promise.all(files.map(textOf));
  if (texts.some((text) => MENTIONED.test(text)) || /user\.home/.test(jvm)) return undefined;

  const named = new Set([
    ...namedIn(words),
    ...said.flatMap((text) => [...text.matchAll(NAMED)].map(pathIn)),
  ]);
  if (named.size > 1) return undefined;
  const [first] = named;
  const inSettings = settings.find(({ localRepository }) => localRepository !== undefined)?.localRepository;
  const path = first ?? inSettings?.replace('${user.home}', home) ?? join(home, '.m2', 'repository');
  return path === '' || path.includes('${') || path.startsWith('~') ? undefined : resolve(cwd, path);
}

/** The paths that arguments name, each of which may have spaces in it. */
function namedIn(words: readonly string[]): readonly string[] {
  return words.flatMap((word, at) => {
    const [, path] = /^(?:-D|--define=)?maven\.repo\.local=(.*)$/s.exec(word) ?? [];
    const isProperty = word.startsWith('-') || ['-D', '--define'].includes(words[at - 1] ?? '');
    return path === undefined || !isProperty ? [] : [path];
  });
}

function pathIn([, path = '']: RegExpMatchArray): string {
  return path.replaceAll('"', '');
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
