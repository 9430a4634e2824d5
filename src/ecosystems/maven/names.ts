/**
 * Where a repository keeps what, by Maven's default layout, and which artifact a path means.
 *
 * ```
 * /org/slf4j/slf4j-api/2.0.17/slf4j-api-2.0.17-sources.jar
 *  group     artifact  version artifact-version[-classifier].type
 * ```
 *
 * @see https://maven.apache.org/repositories/layout.html
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';

/** The longest path that is taken for one of a repository, in characters. */
const PATH_LIMIT = 2000;

/** What a component of coordinates may be made of: Maven's own ids, and what versions and classifiers add to them. */
const PART = /^[A-Za-z0-9_+~!@$=-][\w.+~!@$=-]*$/;

const SNAPSHOT = /-SNAPSHOT$/;
/** What stands in the place of SNAPSHOT once it is deployed: time and number of the build. */
const BUILD = /^(\d{8}\.\d{6}-\d+)(?=[-.])/;

/** Digests that lie in files beside others, weakest first, with the number of their hex digits. */
export const SIDECARS = { md5: 32, sha1: 40, sha256: 64, sha512: 128 } as const;

/** A digest that lies in a file of its own. */
export type SidecarAlgorithm = keyof typeof SIDECARS;

/** An artifact as Maven's own dependencies name it. */
export interface Gav {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly type: string;
  readonly classifier?: string;
}

/** Whether `text` can be a group, an artifact, a version, a type or a classifier. */
export function isPart(text: string): boolean {
  return text.length <= 300 && PART.test(text);
}

/** Whether `text` can be a group: parts with dots between them. */
export function isGroup(text: string): boolean {
  return text.split('.').every(isPart);
}

/** The artifact whose file lies at a path with these segments; undefined when it is none. */
export function artifactAt(segments: readonly string[]): Coordinates | undefined {
  if (segments.length < 4 || !segments.every(isPart)) return undefined;
  const [file = '', directory = '', artifact = '', ...group] = segments.toReversed();
  // Two paths would be one name.
  if (group.some((each) => each.includes('.'))) return undefined;
  if (!file.startsWith(`${artifact}-`) || sidecarOf(file)) return undefined;
  const version = versionIn(file.slice(artifact.length + 1), directory);
  if (version === undefined) return undefined;
  const name = `${group.toReversed().join('.')}:${artifact}`;
  const isMain = file === `${artifact}-${version}.jar`;
  return { ecosystem: 'maven', name, version, ...(isMain ? {} : { file }) };
}

/** The version that the rest of a file's name begins with: its directory's, or of a snapshot that of one build. */
function versionIn(rest: string, directory: string): string | undefined {
  const base = directory.replace(SNAPSHOT, '-');
  if (base !== directory) {
    const [, build] = rest.startsWith(base) ? (BUILD.exec(rest.slice(base.length)) ?? []) : [];
    if (build !== undefined) return `${base}${build}`;
  }
  return rest.startsWith(directory) && /^[-.]/.test(rest.slice(directory.length)) ? directory : undefined;
}

/** Whether `version` is one build of the snapshot `snapshot`. */
export function isBuildOf(snapshot: string, version: string): boolean {
  const base = snapshot.replace(SNAPSHOT, '-');
  return version.startsWith(base) && /^\d{8}\.\d{6}-\d+$/.test(version.slice(base.length));
}

/** Whether it is a snapshot that is called so itself, and not after one build: another one whenever somebody deploys it. */
export function isChanging({ version }: Pick<Coordinates, 'version'>): boolean {
  return SNAPSHOT.test(version);
}

/** Group and artifact of a name in coordinates: `org.slf4j:slf4j-api`. */
export function split(name: string): readonly [group: string, artifact: string] {
  const at = name.indexOf(':');
  return [name.slice(0, at), name.slice(at + 1)];
}

/** Where a repository keeps the artifact. */
export function pathOf({ name, version, file }: Omit<Coordinates, 'ecosystem'>): string {
  const [group, artifact] = split(name);
  const directory = version.replace(/-\d{8}\.\d{6}-\d+$/, '-SNAPSHOT');
  return `/${group.replaceAll('.', '/')}/${artifact}/${directory}/${file ?? `${artifact}-${version}.jar`}`;
}

/** How the file of an artifact ends, and the classifier that it has, by what a user names. */
export function kindOf({ type, classifier }: Pick<Gav, 'type' | 'classifier'>): {
  readonly extension: string;
  readonly classifier: string | undefined;
} {
  const { extension, classifier: usual } = TYPES[type] ?? { extension: type, classifier: undefined };
  return { extension, classifier: classifier ?? usual };
}

/** The coordinates of an artifact that a user names. */
export function coordinatesOf({ group, artifact, version, ...kind }: Gav): Coordinates {
  const { extension, classifier } = kindOf(kind);
  const file = `${artifact}-${version}${classifier === undefined ? '' : `-${classifier}`}.${extension}`;
  const isMain = file === `${artifact}-${version}.jar`;
  return { ecosystem: 'maven', name: `${group}:${artifact}`, version, ...(isMain ? {} : { file }) };
}

const JAR = { extension: 'jar' } as const;

/**
 * Types whose files are called otherwise than they are.
 *
 * @see https://maven.apache.org/ref/3.9.9/maven-core/artifact-handlers.html
 */
const TYPES: Readonly<Record<string, { readonly extension: string; readonly classifier?: string }>> = {
  bundle: JAR,
  ejb: JAR,
  'ejb-client': { ...JAR, classifier: 'client' },
  'eclipse-plugin': JAR,
  'java-source': { ...JAR, classifier: 'sources' },
  javadoc: { ...JAR, classifier: 'javadoc' },
  'maven-plugin': JAR,
  'test-jar': { ...JAR, classifier: 'tests' },
};

/** The file beside which `file` stands with a digest of it, and which one; undefined for other files. */
export function sidecarOf(
  file: string,
): { readonly of: string; readonly algorithm: SidecarAlgorithm } | undefined {
  const at = file.lastIndexOf('.');
  const ending = file.slice(at + 1);
  return at > 0 && isSidecar(ending) ? { of: file.slice(0, at), algorithm: ending } : undefined;
}

function isSidecar(ending: string): ending is SidecarAlgorithm {
  return Object.hasOwn(SIDECARS, ending);
}

/** A path taken apart into its decoded segments, or why it is none of a repository. */
export function segmentsOf(
  path: string,
): { readonly segments: readonly string[] } | { readonly reason: string } {
  const refuse = (what: string) => ({ reason: `The path ${what}: ${JSON.stringify(path.slice(0, 200))}` });
  let decoded: string[];
  try {
    decoded = path.split('/').map(decodeURIComponent);
  } catch {
    return refuse('has a broken escape');
  }
  if (path.length > PATH_LIMIT) return refuse(`has more than ${PATH_LIMIT} characters`);
  const [first, ...segments] = decoded;
  if (first !== '' || segments.length === 0) return refuse('does not start with a slash');
  if (segments.at(-1) === '') segments.pop();
  if (segments.some((segment) => segment === '' || /^\.{1,2}$/.test(segment)))
    return refuse('climbs, or has an empty segment');
  const odd = segments.find((segment) => !/^[\w.+~!@$=,;:()[\]{} -]*$/.test(segment));
  if (odd !== undefined) return refuse('holds a character that no repository has');
  return { segments };
}
