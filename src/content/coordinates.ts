/**
 * Which artifact: a package URL, taken apart.
 *
 * @see https://github.com/package-url/purl-spec
 * @module
 */
import { PackageURL } from 'packageurl-js';

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

/** Prints coordinates as a purl: `pkg:npm/%40types/node@24.0.0`. */
export function purlOf({ ecosystem, name, version, file }: Coordinates): string {
  const at = name.search(/[/:](?=[^/:]*$)/);
  const namespace = at < 0 ? undefined : name.slice(0, at);
  return new PackageURL(ecosystem, namespace, name.slice(at + 1), version, undefined, file).toString();
}
