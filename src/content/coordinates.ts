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
  const { between = '/', qualifiers } = PURLS[ecosystem] ?? {};
  const parts = name.split(between).map(encoded);
  const said = file === undefined ? '' : qualifiers?.(parts.at(-1)!, version, file);
  const which = said ?? `#${encoded(file ?? '')}`;
  return `pkg:${ecosystem}/${parts.join('/')}@${encoded(version)}${which}`;
}

/** The purl of a package, whichever version of it. */
export function packagePurl(named: Pick<Coordinates, 'ecosystem' | 'name'>): string {
  return purlOf({ ...named, version: '' }).replace(/@$/, '');
}

/**
 * What a type of purls has besides: what stands between the parts of a name, and how a purl says which file of a version it
 * is; undefined for one that it cannot say.
 *
 * @see https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst
 */
const PURLS: Readonly<
  Partial<
    Record<
      EcosystemName,
      {
        readonly between: RegExp;
        qualifiers(this: void, artifact: string, version: string, file: string): string | undefined;
      }
    >
  >
> = { maven: { between: /[/:]/, qualifiers: typeAndClassifier } };

/** By what it has behind artifact and version. */
function typeAndClassifier(artifact: string, version: string, file: string): string | undefined {
  const start = `${artifact}-${version}`;
  if (!file.startsWith(start)) return undefined;
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
