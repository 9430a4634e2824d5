/**
 * The protocol of image registries, request by request: the reading half of it.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 * @module
 */
import type { Headers, Route } from '../ecosystem.ts';
import { acceptedTypes } from './media-types.ts';
import { isImageDigest, isRepository, isTag } from './names.ts';

/** {@link Coordinates.file} of what is no manifest: a layer, a configuration. */
export const BLOB = 'blob';

/** The parameters of lists, whose values are names, numbers and media types. */
const QUERY = /^(?:(?:n|last|artifactType)=[\w.%+/-]{0,300}(?:&|$))*$/;

/** Classifies a request. Names of coordinates are those that this registry itself has for its repositories. */
export function route(method: string, path: string, query: string, headers: Headers): Route {
  const shown = JSON.stringify(path.slice(0, 300));
  if (method !== 'GET' && method !== 'HEAD')
    return refused(`${method} ${shown}: only reading goes through pyrsia`);
  if (path === '/v2' || path === '/v2/') return { kind: 'answer', reply: VERSION };

  const [, name = '', kind = '', last = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|referrers|tags)\/([^/]+)$/.exec(path) ?? [];
  if (!isRepository(name)) return refused(`The path is none of a registry: ${shown}`);
  const artifact = { ecosystem: 'docker', name, version: last } as const;

  if (kind === 'manifests' && isImageDigest(last))
    return { kind: 'artifact', coordinates: artifact, claimed: last };
  if (kind === 'manifests' && isTag(last)) {
    return { kind: 'metadata', what: `${name}:${last}`, path, accept: acceptOf(headers['accept']) };
  }
  if (kind === 'blobs' && isImageDigest(last))
    return { kind: 'artifact', coordinates: { ...artifact, file: BLOB }, claimed: last };
  const isList = (kind === 'tags' && last === 'list') || (kind === 'referrers' && isImageDigest(last));
  if (isList && QUERY.test(query)) {
    const accept = kind === 'tags' ? 'application/json' : INDEX;
    return {
      kind: 'metadata',
      what: `${name}: ${kind}`,
      path: query === '' ? path : `${path}?${query}`,
      accept,
    };
  }
  return refused(`The path is none of a registry: ${shown}`);
}

function refused(reason: string): Route {
  return { kind: 'refused', reason };
}

/** Where a registry keeps what these coordinates name. */
export function pathOf(repository: string, version: string, file?: string): string {
  return `/v2/${repository}/${file === BLOB ? 'blobs' : 'manifests'}/${version}`;
}

/** The types of manifests that a client takes, written in one way. */
function acceptOf(accept: string | undefined): string {
  return acceptedTypes(accept).join(', ');
}

const INDEX = 'application/vnd.oci.image.index.v1+json';

const VERSION = {
  status: 200,
  headers: { 'content-type': 'application/json', 'docker-distribution-api-version': 'registry/2.0' },
  body: '{}',
};
