/**
 * Which artifact: a package URL, taken apart.
 *
 * @see https://github.com/package-url/purl-spec
 * @module
 */
/** The ecosystems we speak, by their purl type. */
export type EcosystemName = 'npm' | 'docker' | 'maven';

/** One artifact of one version of one package. */
export interface Coordinates {
  readonly ecosystem: EcosystemName;
  /** As the ecosystem writes it: `library/nginx`, `@types/node`, `org.slf4j:slf4j-api`. */
  readonly name: string;
  readonly version: string;
  /** Which file of a version, where there are several: `slf4j-api-2.0.9.pom`. */
  readonly file?: string;
}

/**
 * Prints coordinates as a purl: `pkg:npm/%40types/node@24.0.0`, `pkg:maven/org.slf4j/slf4j-api@2.0.17?type=pom`. Names
 * keep their case, though a normalised npm purl has none: `JSONStream` and `jsonstream` are two packages.
 */
export function purlOf({ ecosystem, name, version, file }: Coordinates): string {
  const parts = name.split(ecosystem === 'maven' ? /[/:]/ : '/').map(encoded);
  const qualifiers = ecosystem === 'maven' ? mavenQualifiers(parts.at(-1)!, version, file) : undefined;
  const which = qualifiers ?? (file === undefined ? '' : `#${encoded(file)}`);
  return `pkg:${ecosystem}/${parts.join('/')}@${encoded(version)}${which}`;
}

/** Which file of a version it is, as a purl says it; undefined for one that is not called after the version. */
function mavenQualifiers(artifact: string, version: string, file?: string): string | undefined {
  const start = `${artifact}-${version}`;
  if (!file?.startsWith(start)) return undefined;
  const rest = /^(?:-(.+?))?\.((?:tar\.)?[^.]+(?:\.asc)?)$/.exec(file.slice(start.length));
  if (!rest) return undefined;
  const [, classifier, type] = rest;
  const said = Object.entries({ classifier, type: type === 'jar' ? undefined : type });
  const qualifiers = said.flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encoded(value)}`],
  );
  return qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`;
}

function encoded(part: string): string {
  return encodeURIComponent(part).replaceAll('%3A', ':');
}
