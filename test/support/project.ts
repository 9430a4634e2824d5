/**
 * npm projects for tests.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a project is to be. */
export interface ProjectSpec {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** Further fields of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Default: made by the real npm. Otherwise this one, or none. */
  readonly lockfile?: Lockfile | 'none';
  /** Further files by path: `.npmrc`, for example. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A package-lock.json, as far as tests look into it. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
  readonly [field: string]: unknown;
}

/** One package of a lockfile, by its path in the project. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  /** Its real name, where it is installed under an alias. */
  readonly name?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A project directory. */
export interface Project {
  readonly dir: string;
  /** Text of one of its files. */
  read(path: string): string;
  write(path: string, text: string): void;
  lockfile(): Lockfile;
  /** What npm says it installed: version by path (`node_modules/left`). Throws when nothing was. */
  installed(): Readonly<Record<string, string | undefined>>;
}

/** Writes a project into `dir`, which exists. */
export function writeProject(dir: string, spec: ProjectSpec): Project {
  const { dependencies = {}, devDependencies = {}, manifest = {}, lockfile, files = {} } = spec;
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const json = (path: string, value: unknown): void =>
    write(path, `${JSON.stringify(value, undefined, 2)}\n`);
  const locked = (path: string): Lockfile => JSON.parse(read(path)) as Lockfile;

  json('package.json', { name: 'project', version: '1.0.0', dependencies, devDependencies, ...manifest });
  if (lockfile !== undefined && lockfile !== 'none') json('package-lock.json', lockfile);
  for (const [path, text] of Object.entries(files)) write(path, text);

  return {
    dir,
    read,
    write,
    lockfile: () => locked('package-lock.json'),
    installed() {
      const { packages } = locked('node_modules/.package-lock.json');
      return Object.fromEntries(Object.entries(packages).map(([path, { version }]) => [path, version]));
    },
  };
}
