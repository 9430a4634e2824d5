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
 * Prints coordinates as a purl: `pkg:npm/%40types/node@24.0.0`. Names keep their case, though a normalised
 * npm purl has none: `JSONStream` and `jsonstream` are two packages.
 */
export function purlOf({ ecosystem, name, version, file }: Coordinates): string {
  const path = name
    .split(ecosystem === 'maven' ? /[/:]/ : '/')
    .map(encoded)
    .join('/');
  return `pkg:${ecosystem}/${path}@${encoded(version)}${file === undefined ? '' : `#${encoded(file)}`}`;
}

function encoded(part: string): string {
  return encodeURIComponent(part).replaceAll('%3A', ':');
}
