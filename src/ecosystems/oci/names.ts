/**
 * What names may look like in the world of images, by the grammar that docker has given it.
 *
 * @see https://github.com/distribution/reference/blob/v0.6.0/reference.go
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 * @module
 */
import { type Digest, isDigest } from '../../content/digest.ts';

/** The registry that a name without one means, and how it is written: `nginx` is `docker.io/library/nginx`. */
export const DEFAULT_REGISTRY = 'docker.io';
/** Names under which it is known as well. */
const ALIASES: ReadonlySet<string> = new Set(['index.docker.io', 'registry-1.docker.io']);
/** Where it answers. */
const DEFAULT_ENDPOINT = 'registry-1.docker.io';
/** Where its images are that are nobody's in particular. */
export const OFFICIAL = 'library/';

/** Follows an address of IPv6 where it is written with dashes. */
const IPV6 = '.ipv6-literal.net';

/** The most characters of a name, its registry included. */
export const NAME_LIMIT = 255;

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const host = `(?:${label}(?:\\.${label})*|\\[[0-9a-f:]+\\])(?::[0-9]{1,5})?`;
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';

const HOST = new RegExp(`^${host}$`);
const REPOSITORY = new RegExp(`^${component}(?:/${component})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Whether `text`, in lower case, can be where a registry is: a host, with a port if it has one. One that is told from a
 * namespace by an upper-case letter alone (`Org/app`) cannot: in lower case it is somebody else's at docker's registry.
 */
export function isRegistry(text: string): boolean {
  return HOST.test(text) && split(`${text}/x`).domain !== undefined && URL.canParse(`https://${text}/`);
}

/** Whether `text` can be the name of a repository: `library/nginx`. */
export function isRepository(text: string): boolean {
  return text.length <= NAME_LIMIT && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether `text` names content by a digest that is strong enough to stand for it alone. */
export function isImageDigest(text: string): text is Digest {
  return isDigest(text) && !text.startsWith('sha1:');
}

/** The one name of a registry that has several. */
export function canonical(registry: string): string {
  const lower = registry.toLowerCase();
  if (lower.startsWith('[')) return shortest(lower);
  return ALIASES.has(lower) ? DEFAULT_REGISTRY : lower;
}

/** Host, with its port where it has one, at which a registry answers. */
export function endpointOf(registry: string): string {
  return registry === DEFAULT_REGISTRY ? DEFAULT_ENDPOINT : registry;
}

/**
 * The name in coordinates: `library/nginx`, `images.example/org/app`. A registry is told from a first component by
 * its dot or its port, or by being `localhost`, as in a reference.
 */
export function qualified(registry: string, repository: string): string {
  return registry === DEFAULT_REGISTRY ? repository : `${registry}/${repository}`;
}

/** A name in coordinates, taken apart; undefined when it is none. */
export function unqualified(
  name: string,
): { readonly registry: string; readonly repository: string } | undefined {
  const { domain = DEFAULT_REGISTRY, path } = split(name);
  const found = { registry: canonical(domain), repository: path };
  return isRegistry(found.registry) && isRepository(path) ? found : undefined;
}

/** The registry that a name begins with, where it does, and the rest. */
export function split(name: string): { readonly domain?: string; readonly path: string } {
  const at = name.indexOf('/');
  const first = name.slice(0, Math.max(0, at));
  // An upper-case letter cannot be in a path, so what has one is a host.
  if (at < 0 || !(/[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first))) return { path: name };
  return { domain: first, path: name.slice(at + 1) };
}

/** `[0:0::1]:5000` is `[::1]:5000`. */
function shortest(registry: string): string {
  const [, address = '', port = ''] = /^(\[.*\])(:\d+)?$/.exec(registry) ?? [];
  const found = URL.parse(`https://${address}/`)?.hostname;
  return found === undefined ? registry : `${found}${port}`;
}

/**
 * A registry as one component of a path, in which no colon can stand: `127.0.0.1:5000` is `127.0.0.1__5000`,
 * `[::1]:5000` is `0--1.ipv6-literal.net__5000`, as Windows writes such addresses. Undefined for one that cannot
 * be written so.
 */
export function segmentOf(registry: string): string | undefined {
  const [, address, port = ''] = /^\[(.*)\](:\d+)?$/.exec(registry) ?? [];
  const dashed = address?.replace(/^::/, '0::').replace(/::$/, '::0').replaceAll(':', '-');
  const segment = (dashed === undefined ? registry : `${dashed}${IPV6}${port}`).replace(':', '__');
  return isRepository(segment) ? segment : undefined;
}

/** The registry that such a component stands for; undefined when it stands for none. */
export function registryOf(segment: string): string | undefined {
  const [name = '', port] = segment.split('__', 2);
  const address = name.endsWith(IPV6) ? name.slice(0, -IPV6.length) : undefined;
  const registry =
    address === undefined
      ? segment.replace('__', ':')
      : `[${address.replaceAll('-', ':')}]${port === undefined ? '' : `:${port}`}`;
  return isRegistry(registry) ? canonical(registry) : undefined;
}
