/**
 * What Maven keeps of artifacts in a local repository: the file, its checksum, and in each version's directory the ids of
 * the repositories that its files are from.
 *
 * @see https://maven.apache.org/resolver/local-repository.html
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';
import { artifactAt, isChanging, pathOf } from './names.ts';

/** An artifact as it is kept: where it is from, and its sha1 in hex. */
export interface KeptArtifact {
  /** The repository's id. */
  readonly id: string;
  /** The name of its file. */
  readonly file: string;
  readonly sha1: string;
}

/** A small file, whole. */
export interface SmallFile {
  readonly name: string;
  readonly text: string;
}

/** Builds of snapshots are told of in metadata, which would have to be kept with them. */
const BUILD = /-\d{8}\.\d{6}-\d+$/;

/** Of signatures no Maven keeps a checksum beside them from 3.9 on, and every one before. */
const SIGNATURE = /\.asc$/;

/** Names that stand in a list of origins as they are. */
const PLAIN = /^[\w.+~@$-]+$/;

/**
 * Where an artifact lies in a local repository: a directory of its version, relative and with `/` between segments, and a
 * file. Undefined for what Maven keeps in another way.
 */
export function placeOf(
  coordinates: Coordinates,
): { readonly directory: string; readonly file: string } | undefined {
  const { version, file: named = '.jar' } = coordinates;
  if (isChanging(coordinates) || BUILD.test(version) || SIGNATURE.test(named)) return undefined;
  const path = pathOf(coordinates).slice(1);
  const at = path.lastIndexOf('/');
  const file = path.slice(at + 1);
  // Nothing that is no name of an artifact becomes a path.
  const isOne = artifactAt(path.split('/')) !== undefined;
  return isOne && PLAIN.test(file) ? { directory: path.slice(0, at), file } : undefined;
}

/** Whether a repository of this id can be written down as an origin. */
export function isOrigin(id: string): boolean {
  return PLAIN.test(id);
}

/** What lies beside these artifacts of one version, as a Maven that has fetched them at `time` leaves it. */
export function besides(artifacts: readonly KeptArtifact[], time: Date): readonly SmallFile[] {
  const origins = artifacts.map(({ id, file }) => `${file}>${id}=\n`).toSorted();
  return [
    ...artifacts.map(({ file, sha1 }) => ({ name: `${file}.sha1`, text: sha1 })),
    { name: '_remote.repositories', text: `${NOTE}\n#${javaDate(time)}\n${origins.join('')}` },
  ];
}

const NOTE =
  '#NOTE: This is a Maven Resolver internal implementation file, its format can be changed without prior notice.';

/** As Java prints a date: `Sat Nov 21 23:59:59 UTC 2026`. */
function javaDate(time: Date): string {
  const [day = '', date = '', month = '', year = '', clock = ''] = time.toUTCString().split(/,? /);
  return `${day} ${month} ${date} ${clock} UTC ${year}`;
}
