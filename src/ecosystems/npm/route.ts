/**
 * npm's registry protocol, request by request, as npm, pnpm, yarn and bun speak it.
 *
 * @see https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md
 * @see https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';
import { digestFromIntegrity } from '../../content/digest.ts';
import type { DocumentAddress, Headers, Route } from '../ecosystem.ts';
import { escaped, isPackageName, isVersion, versionOfTarball } from './names.ts';
import { isTag } from './tags.ts';

/** Accept as npm sends it for an install: the abbreviated packument. */
const ABBREVIATED = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';
/** Accept as npm sends it for `npm view`, and where a registry knows no abbreviated packument. */
const FULL = 'application/json';

/** POSTs that only ask. */
const QUESTION = /^\/-\/npm\/v1\/security\/(advisories\/bulk|audits(\/quick)?)$/;

/** Classifies a request. A path that could be read in two ways is refused, whatever it would have asked for. */
export function route(method: string, path: string, query: string, headers: Headers): Route {
  const reading = read(path);
  if ('reason' in reading) return { kind: 'refused', reason: reading.reason };
  const { segments } = reading;
  if (method !== 'GET' && method !== 'HEAD') {
    if (method === 'POST' && QUESTION.test(path)) return { kind: 'passthrough' };
    return { kind: 'refused', reason: `${method} ${path}: only reading goes through pyrsia` };
  }
  const [name, ...rest] = segments[0]?.startsWith('@')
    ? [segments.slice(0, 2).join('/'), ...segments.slice(2)]
    : segments;
  const isTarball = headers['pacote-req-type'] === 'tarball' || /\.(tgz|tar\.gz)$/.test(path);
  const other: Route = { kind: 'passthrough', ...(isTarball ? { nameless: path } : {}) };
  if (name === undefined || !isPackageName(name)) return other;

  const [first = '', file = ''] = rest;
  const version = rest.length === 2 && first === '-' ? versionOfTarball(name, file) : undefined;
  if (version !== undefined) {
    const claimed = digestFromIntegrity(headers['pacote-integrity'] ?? '');
    return {
      kind: 'artifact',
      coordinates: { ecosystem: 'npm', name, version },
      ...(claimed ? { claimed } : {}),
    };
  }
  // A query asks for something else: npm adds `?write=true` to read what it is about to change.
  if (query !== '') return other;

  const accept = headers['accept']?.includes('application/vnd.npm.install-v1+json') ? ABBREVIATED : FULL;
  if (rest.length === 0) return { kind: 'metadata', what: name, path: `/${escaped(name)}`, accept };

  if (rest.length === 1 && (isVersion(first) || isTag(first))) {
    return { kind: 'metadata', what: `${name}@${first}`, path: `/${escaped(name)}/${first}`, accept };
  }
  return other;
}

/** Splits a path into its decoded segments, an encoded scope (`@types%2fnode`) into two. */
function read(path: string): { readonly segments: readonly string[] } | { readonly reason: string } {
  const refuse = (what: string) => ({ reason: `The path ${what}: ${JSON.stringify(path.slice(0, 200))}` });
  let decoded: string[];
  try {
    decoded = path.split('/').map(decodeURIComponent);
  } catch {
    return refuse('has a broken escape');
  }
  const whole = decoded.join('/');
  if (!path.startsWith('/')) return refuse('does not start with a slash');
  if (whole.includes('\0')) return refuse('holds a NUL');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(whole)) return refuse('holds a control character');
  if (whole.includes('\\')) return refuse('holds a backslash');
  if (/[^\x20-\x7e]/.test(whole)) return refuse('holds a character that is not ASCII');
  if (whole.includes('%')) return refuse('is encoded twice');
  if (/[?#]/.test(whole)) return refuse('holds a "?" or a "#"');
  if (decoded.some((segment) => segment.includes('/') && !/^@[^/]+\/[^/]+$/.test(segment))) {
    return refuse('hides a slash');
  }
  const segments = whole.slice(1).split('/');
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return refuse('climbs with "." or ".."');
  if (segments.at(-1) === '') segments.pop();
  if (segments.includes('')) return refuse('has an empty segment');
  return { segments };
}

/** The version's own document, under a kilobyte or a few. */
export function document({ name, version }: Coordinates): DocumentAddress {
  return { path: `/${escaped(name)}/${version}`, accept: FULL };
}

/** The packuments, at the addresses at which npm asks for them. */
export function listings({ name }: Pick<Coordinates, 'name'>): readonly DocumentAddress[] {
  return [ABBREVIATED, FULL].map((accept) => ({ path: `/${escaped(name)}`, accept }));
}
