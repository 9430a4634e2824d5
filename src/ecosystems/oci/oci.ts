/**
 * Images, and whatever else is kept in image registries. What is in a registry is named by its digest, so
 * nothing has to be said about it but that it is there; only tags change.
 *
 * @module
 */
import { PyrsiaError } from '../../errors.ts';
import { acceptedTypes } from './media-types.ts';
import type { Ecosystem } from '../ecosystem.ts';
import type { PublicPlace, Reference, Selected } from '../registry-protocol.ts';
import { locate } from '../locate.ts';
import { parse } from './reference.ts';
import { DEFAULT_REGISTRY, endpointOf, isImageDigest, unqualified } from './names.ts';
import { refuse } from './refuse.ts';
import { pathOf, route } from './route.ts';
import { docker } from './docker.ts';
import { imageTools } from './tools.ts';

export const oci: Ecosystem = {
  name: 'docker',
  parse,
  registry: {
    route,
    locate,
    document: () => undefined,
    listings: () => [],
    digest: () => undefined,
    select: () => undefined,
    exact,
    inPublic,
    mayChange: (version) => !isImageDigest(version),
    check,
    artifactHost: () => undefined,
    refuse,
  },
  tools: [...imageTools, docker],
};

function exact({ name, wanted }: Reference): Selected | undefined {
  const repository = unqualified(name)?.repository;
  if (repository === undefined || !isImageDigest(wanted)) return undefined;
  return { coordinates: { ecosystem: 'docker', name, version: wanted }, path: pathOf(repository, wanted) };
}

/** Where everybody finds an image that names no registry of its own, by tag or by digest. */
function inPublic({ name, wanted }: Reference): PublicPlace | undefined {
  const image = unqualified(name);
  if (image?.registry !== DEFAULT_REGISTRY) return undefined;
  return {
    coordinates: { ecosystem: 'docker', name, version: wanted },
    registry: `https://${endpointOf(DEFAULT_REGISTRY)}/`,
    path: pathOf(image.repository, wanted),
    headers: { accept: acceptedTypes(undefined).join(', ') },
  };
}

/** Whether `body` is a list as registries give them: of tags, or of manifests that refer to another. */
function check(body: Uint8Array, what: string): void {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason }, { cause: error });
  }
  if (typeof value === 'object' && value !== null && ('tags' in value || 'manifests' in value)) return;
  throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: 'it is no list' });
}
