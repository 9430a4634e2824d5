/**
 * What a repository says of its artifacts: checksums beside them, and maven-metadata.xml.
 *
 * @see https://maven.apache.org/repositories/metadata.html
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';
import { type Digest, digestWith, isDigest } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import type { Headers, PublicPlace, Reference, Selected } from '../registry-protocol.ts';
import { coordinatesOf, isChanging, isPart, pathOf, SIDECARS, sidecarOf, split } from './names.ts';
import { latestOf } from './snapshots.ts';
import { childrenAt, readXml, textAt, type XmlElement } from './xml.ts';

const LENGTHS: ReadonlySet<number> = new Set(Object.values(SIDECARS));

/** The longest file with a checksum that is read, in bytes. */
const CHECKSUM_LIMIT = 4096;

/**
 * Whether `body` can be what lies at `path`: a checksum of its length, or metadata, whole and no login page.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function check(body: Uint8Array, what: string, path = ''): void {
  const algorithm = sidecarOf(path)?.algorithm;
  if (checksumIn(body)?.length === SIDECARS[algorithm ?? 'sha1']) return;
  const fail = (reason: string, cause?: unknown): never => {
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason }, { cause });
  };
  if (algorithm) fail(`it is no ${algorithm} in hex`);
  let root: XmlElement;
  try {
    root = readXml(textOf(body));
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), error);
  }
  if (root.name !== 'metadata') fail(`it is <${root.name}>, and not <metadata>`);
}

/**
 * The hex digits in a file with a checksum, which in the wild is followed by the name of a file, or by anything, or stands
 * behind a `=`.
 */
function checksumIn(body: Uint8Array): string | undefined {
  if (body.byteLength > CHECKSUM_LIMIT) return undefined;
  const line = textOf(body).trim().split('\n', 1)[0]!.trim();
  const [, hex] = /^([0-9a-f]+)(?:\s|$)/i.exec(line) ?? /^.+?= ?([0-9a-f]+)$/i.exec(line) ?? [];
  return hex !== undefined && LENGTHS.has(hex.length) ? hex.toLowerCase() : undefined;
}

/** What a checksum says the digest is; undefined for one that is of no use, and for metadata, which says none. */
export function digest(body: Uint8Array): Digest | undefined {
  const hex = checksumIn(body);
  const found = hex && `${algorithmOf(hex)}:${hex}`;
  return found && isDigest(found) ? found : undefined;
}

function algorithmOf(hex: string): string | undefined {
  return Object.entries(SIDECARS).find(([, length]) => length === hex.length)?.[0];
}

/**
 * The strongest digest that managers of repositories name when they send an artifact.
 *
 * @see https://maven.apache.org/resolver/expected-checksums.html
 */
export function declared(headers: Headers): Digest | undefined {
  const said = (['sha512', 'sha256', 'sha1'] as const).map(
    (algorithm) => `${algorithm}:${headers[`x-checksum-${algorithm}`]?.toLowerCase()}`,
  );
  const [, nexus = ''] = /^"?\{SHA1\{([0-9a-f]{40})\}\}"?$/i.exec(headers['etag'] ?? '') ?? [];
  const digests = [...said, `sha1:${nexus.toLowerCase()}`].filter((each) => isDigest(each));
  return digestWith(digests, 'sha512') ?? digestWith(digests, 'sha256') ?? digests[0];
}

/** Tells clients of it, which then ask for no file with a checksum. */
export function headersFor(digests: readonly Digest[]): Headers {
  const sha1 = digestWith(digests, 'sha1');
  return sha1 === undefined ? {} : { 'x-checksum-sha1': sha1.slice('sha1:'.length) };
}

/**
 * The version that is wanted: exactly this one, for `latest` the newest release that metadata names, and of a snapshot what
 * was deployed last.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function select(body: Uint8Array, reference: Reference): Selected | undefined {
  const { name, wanted, qualifiers } = reference;
  const [group, artifact] = split(name);
  check(body, `the metadata of ${name}`, '');
  if (checksumIn(body) !== undefined) return undefined;
  const root = readXml(textOf(body));
  if (textAt(root, 'groupId') !== group || textAt(root, 'artifactId') !== artifact) return undefined;
  if (isChanging({ version: wanted })) {
    const latest = latestOf(root, wanted, { type: 'jar', ...qualifiers });
    return latest === undefined ? undefined : located(reference, latest);
  }
  const versions = childrenAt(root, 'versioning', 'versions', 'version').map(({ text }) => text);
  const release =
    textAt(root, 'versioning', 'release') ?? versions.findLast((each) => !isChanging({ version: each }));
  const version = wanted === LATEST ? release : versions.find((each) => each === wanted);
  return version === undefined || !isPart(version) ? undefined : located(reference, version);
}

/** What stands for the newest release. */
export const LATEST = 'latest';

/** What a reference to one version stands for; undefined for `latest`, and for a snapshot, which is another each time. */
export function exact(reference: Reference): Selected | undefined {
  const { wanted } = reference;
  return wanted === LATEST || isChanging({ version: wanted }) ? undefined : located(reference, wanted);
}

/** Where everybody finds one exact version, unless it is one that changes. */
export function inPublic(wanted: Reference): PublicPlace | undefined {
  const selected = exact(wanted);
  return selected && { ...selected, mediaType: mediaTypeOf(selected.path) };
}

function mediaTypeOf(path: string): string {
  if (path.endsWith('.jar')) return 'application/java-archive';
  return path.endsWith('.pom') || path.endsWith('.xml') ? 'application/xml' : 'application/octet-stream';
}

function located({ name, qualifiers = {} }: Reference, version: string): Selected {
  const [group, artifact] = split(name);
  const { type = 'jar', classifier } = qualifiers;
  const coordinates = coordinatesOf({
    group,
    artifact,
    version,
    type,
    ...(classifier === undefined ? {} : { classifier }),
  });
  return { coordinates, path: pathOf(coordinates), ...(isChanging(coordinates) && { changes: true }) };
}

/** Files that are archives begin so; anything else in their place is an error page, or cut off. */
const ARCHIVES = /\.(aar|ear|har|jar|kar|nbm|rar|war|zip)$/;
const PAGE = /^\s*(<!doctype\s+html|<html[\s>])/i;

/** Whether it is a web page in the place of something else, or no archive where one belongs. */
export function isForeign({ file = '.jar' }: Coordinates, start: Uint8Array): boolean {
  if (ARCHIVES.test(file) && start.byteLength >= 2) return start[0] !== 0x50 || start[1] !== 0x4b;
  return !/\.x?html?$/.test(file) && PAGE.test(textOf(start.subarray(0, 200)));
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    .toString()
    .replace(/^\uFEFF/, '');
}
