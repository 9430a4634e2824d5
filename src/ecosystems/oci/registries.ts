/**
 * What a user's registries.conf says of registries: where they are really asked, and which are not.
 *
 * @see https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 * @module
 */
import { canonical, endpointOf, isRegistry, isRepository, split } from './names.ts';

/** A place that is asked instead of a registry, before it. */
export interface Mirror {
  /** Host, with its port where it has one, and maybe a namespace below it. */
  readonly location: string;
  /** Whether it may be spoken to without TLS, or with a certificate of anybody's. */
  readonly insecure: boolean;
  /** For what it is asked. */
  readonly pulls: 'all' | 'digest-only' | 'tag-only';
}

/** What is said of all images whose name begins in one way. */
export interface RegistryRule {
  /** `other.example`, `other.example/org`, or `*.example.com`. */
  readonly prefix: string;
  /** What stands in place of the prefix when the registry is asked. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
}

/** Where an image may be asked for. */
export interface Endpoint {
  /** Host, with its port where it has one. */
  readonly host: string;
  readonly repository: string;
  readonly insecure: boolean;
}

/** The rule that is about `registry/repository`: that of the longest prefix. */
export function ruleFor(
  rules: readonly RegistryRule[],
  registry: string,
  repository: string,
): RegistryRule | undefined {
  const name = `${registry}/${repository}`;
  return rules
    .filter(({ prefix }) => matchedBy(prefix, name) !== undefined)
    .toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}

/**
 * Where to ask for an image, in this order; `'blocked'` where the user does not want it to be asked for.
 */
export function endpointsFor(
  rules: readonly RegistryRule[],
  image: { readonly registry: string; readonly repository: string },
  by: 'tag' | 'digest',
): readonly Endpoint[] | 'blocked' {
  const { registry, repository } = image;
  const own = { host: endpointOf(registry), repository, insecure: isLoopback(registry) };
  const rule = ruleFor(rules, registry, repository);
  if (!rule) return [own];
  if (rule.blocked) return 'blocked';
  const mirrors = rule.mirrors.filter(({ pulls }) => pulls === 'all' || pulls === `${by}-only`);
  const places = [...mirrors, { location: rule.location, insecure: rule.insecure }];
  return places.flatMap(({ location, insecure }) => {
    const found = rewritten(`${registry}/${repository}`, rule.prefix, location);
    return found ? [{ ...found, insecure: insecure || isLoopback(found.host) }] : [];
  });
}

/** How much of `name` a prefix covers; undefined when it is not about it. */
function matchedBy(prefix: string, name: string): number | undefined {
  if (prefix.startsWith('*.')) {
    const host = name.slice(0, name.indexOf('/'));
    return host.replace(/:\d+$/, '').endsWith(prefix.slice(1)) ? host.length : undefined;
  }
  return name === prefix || name.startsWith(`${prefix}/`) ? prefix.length : undefined;
}

function rewritten(
  name: string,
  prefix: string,
  location: string,
): Pick<Endpoint, 'host' | 'repository'> | undefined {
  const covered = matchedBy(prefix, name) ?? name.length;
  const { domain, path } = split(location === '' ? name : `${location}${name.slice(covered)}`);
  const host = domain && canonical(domain);
  if (host === undefined || !isRegistry(host) || !isRepository(path)) return undefined;
  return { host: endpointOf(host), repository: path };
}

/** Docker takes a registry on the same machine to be one that may have no certificate. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);
}
