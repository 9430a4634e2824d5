/**
 * What npm calls a package and a version of it, and how both are spelled in a registry's paths.
 *
 * @see https://github.com/npm/validate-npm-package-name
 * @module
 */
/** Characters that need no escape in a URL, which is what npm allows; capitals and `~!*'()` are in old names only. */
const PART = String.raw`[\w.~!*'()-]+`;
const NAME = new RegExp(String.raw`^(?:@(?!\.)${PART}/(?!\.)${PART}|(?![._-])${PART})$`);

/** As https://semver.org has it. A library that also knows ranges takes longer to load than a shim may wait. */
const VERSION = (() => {
  const number = '(?:0|[1-9][0-9]*)';
  const before = `(?:${number}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
  const build = '[0-9A-Za-z-]+';
  const main = String.raw`(${number})\.(${number})\.(${number})`;
  return new RegExp(String.raw`^${main}(?:-${before}(?:\.${before})*)?(?:\+${build}(?:\.${build})*)?$`);
})();

/** The most characters a version may have; npm takes no longer one. */
const VERSION_LIMIT = 256;

/** The most characters a name may have. */
const NAME_LIMIT = 214;

/** Whether npm's registry may hold a package of this name, old names included. */
export function isPackageName(name: string): boolean {
  return name.length <= NAME_LIMIT && NAME.test(name) && !/^(node_modules|favicon\.ico)$/i.test(name);
}

/** Whether this is an exact version, spelled as a registry spells it. */
export function isVersion(text: string): boolean {
  const [, ...numbers] = (text.length <= VERSION_LIMIT && VERSION.exec(text)) || [];
  return numbers.length > 0 && numbers.every((each) => Number(each) <= Number.MAX_SAFE_INTEGER);
}

/** A name as npm writes it into the path of a document: one segment, `@types%2fnode`. */
export function escaped(name: string): string {
  return name.replace('/', '%2f');
}

/** The package whose document lies at this path; undefined where the path names none. */
export function packageAt(path: string): string | undefined {
  return /^\/((?:@[^/]+\/)?[^/]+)/.exec(path.replace(/%2f/i, '/'))?.[1];
}

/** Where registries keep a version's tarball: `/@types/node/-/node-24.0.0.tgz`. */
export function tarballPath(name: string, version: string): string {
  return `/${name}/-/${baseOf(name)}-${version}.tgz`;
}

/** The version that a tarball's file name gives; undefined when it is not called as {@link tarballPath} has it. */
export function versionOfTarball(name: string, file: string): string | undefined {
  const start = `${baseOf(name)}-`;
  if (!file.startsWith(start) || !file.endsWith('.tgz')) return undefined;
  const version = file.slice(start.length, -'.tgz'.length);
  return isVersion(version) ? version : undefined;
}

function baseOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
