/**
 * What Maven, and whoever reads its repositories, asks for, request by request.
 *
 * @see https://maven.apache.org/repositories/layout.html
 * @see https://maven.apache.org/repositories/metadata.html
 * @see https://maven.apache.org/resolver/about-checksums.html
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';
import type { DocumentAddress, Listed, Route } from '../ecosystem.ts';
import { artifactAt, isChanging, pathOf, segmentsOf, sidecarOf, split } from './names.ts';

/** The file by which a repository says which versions there are. */
const METADATA = 'maven-metadata.xml';

/** Maven names no types of its own: documents are cached under this one. */
const ANY = '*/*';

/** Classifies a request. What lies where no artifact can lie is passed on. */
export function route(method: string, path: string, query: string): Route {
  const read = segmentsOf(path);
  if ('reason' in read) return { kind: 'refused', reason: read.reason };
  if (method !== 'GET' && method !== 'HEAD')
    return { kind: 'refused', reason: `${method} ${path}: only reading goes through pyrsia` };
  const { segments } = read;
  const file = segments.at(-1);
  if (query !== '' || file === undefined || path.endsWith('/')) return { kind: 'passthrough' };

  const sidecar = sidecarOf(file);
  if (sidecar) {
    const besides = path.slice(0, -`.${sidecar.algorithm}`.length);
    const of = contentAt([...segments.slice(0, -1), sidecar.of], besides);
    // Every tool asks for this one first, so it is there even where upstream has none.
    if (of && sidecar.algorithm === 'sha1') return { kind: 'digest', algorithm: 'sha1', of };
    // Of MD5 nothing is held against anything.
    if (of?.kind === 'artifact' && sidecar.algorithm !== 'md5')
      return { kind: 'digest', algorithm: sidecar.algorithm, of, word: { path, accept: ANY } };
    return metadata(path);
  }
  return contentAt(segments, path) ?? { kind: 'passthrough' };
}

function contentAt(
  segments: readonly string[],
  path: string,
): Extract<Route, { readonly kind: 'artifact' | 'metadata' }> | undefined {
  if (segments.at(-1) === METADATA) return metadata(path);
  const coordinates = artifactAt(segments);
  return (
    coordinates && { kind: 'artifact', coordinates, path, ...(isChanging(coordinates) && { changes: true }) }
  );
}

function metadata(path: string): Extract<Route, { readonly kind: 'metadata' }> {
  return { kind: 'metadata', what: path.slice(1), path, accept: ANY };
}

/** What a repository itself says of an artifact: the sha1 that lies beside it. */
export function document(coordinates: Coordinates): DocumentAddress {
  return { path: `${pathOf(coordinates)}.sha1`, accept: ANY };
}

/** Where it may say so more strongly. */
export function stronger(coordinates: Coordinates): readonly DocumentAddress[] {
  return ['sha512', 'sha256'].map((ending) => ({ path: `${pathOf(coordinates)}.${ending}`, accept: ANY }));
}

/** Which versions there are, or of a snapshot that is wanted, which builds. */
export function listings({ name, wanted: version = '' }: Listed): readonly DocumentAddress[] {
  const [group, artifact] = split(name);
  const directory = isChanging({ version }) ? `${artifact}/${version}` : artifact;
  return [{ path: `/${group.replaceAll('.', '/')}/${directory}/${METADATA}`, accept: ANY }];
}
