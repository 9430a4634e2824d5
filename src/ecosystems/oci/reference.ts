/**
 * What people type to name an image: `nginx`, `images.example/org/app:1`, `localhost:5000/app@sha256:…`, or a
 * package URL.
 *
 * @see https://github.com/distribution/reference/blob/v0.6.0/normalize.go
 * @see https://github.com/package-url/purl-spec/blob/main/types-doc/docker-definition.md
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import type { Reference } from '../ecosystem.ts';
import { parsePurl } from '../purl.ts';
import {
  canonical,
  DEFAULT_REGISTRY,
  isImageDigest,
  isRegistry,
  isRepository,
  isTag,
  NAME_LIMIT,
  OFFICIAL,
  qualified,
  split,
  unqualified,
} from './names.ts';

/** An image, named in full. */
export interface ImageReference {
  /** Host, with its port where it has one; `docker.io` where nothing else is said. */
  readonly registry: string;
  /** `library/nginx` */
  readonly repository: string;
  /** `latest`, where neither a tag nor a digest is said. */
  readonly tag?: string;
  /** It alone decides, where there is one. */
  readonly digest?: Digest;
}

/**
 * Reads the name of an image as docker does.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED`
 */
export function parseImage(text: string): ImageReference {
  const fail = (reason: string): never => {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  };
  if (/^[0-9a-f]{64}$/.test(text)) fail('64 hexadecimal digits are the id of an image, not its name');
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0) fail('it has two digests');
  const pinned = digest !== undefined && isImageDigest(digest) ? digest : undefined;
  if (digest !== pinned) fail(`"${digest}" is no digest (sha256:<64 hex>)${orOfNpm(text)}`);

  const { domain = DEFAULT_REGISTRY, path } = split(named);
  const colon = path.lastIndexOf(':');
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const said = colon < 0 ? path : path.slice(0, colon);
  const registry = canonical(domain);
  const repository = registry === DEFAULT_REGISTRY && !said.includes('/') ? `${OFFICIAL}${said}` : said;

  if (said === '') fail(`it names no image, as nginx:latest does${orOfNpm(text)}`);
  if (!isRegistry(registry)) fail(`"${domain}" can be no registry`);
  if (/[A-Z]/.test(said)) fail('the name of an image is in lower case');
  if (!isRepository(repository)) fail(`"${said}" cannot be the name of an image`);
  if (qualified(registry, repository).length > NAME_LIMIT)
    fail(`its name is longer than ${NAME_LIMIT} characters`);
  if (tag !== undefined && !isTag(tag)) fail(`"${tag}" is no tag`);
  return {
    registry,
    repository,
    ...(tag === undefined ? (pinned === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(pinned === undefined ? {} : { digest: pinned }),
  };
}

/** With everything that goes without saying: `docker.io/library/nginx:latest`. */
export function fullName({ registry, repository, tag, digest }: ImageReference): string {
  const named = `${registry}/${repository}`;
  return digest === undefined ? `${named}:${tag ?? 'latest'}` : `${named}@${digest}`;
}

/** Many a bare name is meant for npm. */
function orOfNpm(text: string): string {
  return text === '' || /^@?[\w./-]+(@[\w.^~<>=* -]+)?$/.test(text)
    ? `; for one of npm's write npm:${text || 'NAME'}`
    : '';
}

/** As people write it: without what goes without saying. */
export function printImage({ registry, repository, tag, digest }: ImageReference): string {
  const isShort = registry === DEFAULT_REGISTRY;
  const short = repository.startsWith(OFFICIAL) ? repository.slice(OFFICIAL.length) : repository;
  const name = isShort && !short.includes('/') ? short : qualified(registry, repository);
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Kinds of packages that are not ours, and no names of images that anybody uses. */
const OTHER_KINDS = /^(cargo|crates|gem|nix|nuget|pip|pypi):/;
/** A kind, and then what can be in no tag. */
const OTHER_SYNTAX = /^[a-z][a-z-]*:.*[@:^~*<>=]/;

/**
 * Reads what a user types after `pyrsia pull`: `docker:NAME`, `docker://NAME`, a package URL, or a bare name.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED`
 */
export async function parse(text: string): Promise<Reference | undefined> {
  const [, bare] = /^docker:(?:\/\/)?(.*)$/s.exec(text) ?? [];
  if (bare !== undefined) return referenceTo(parseImage(bare));
  if (/^pkg:\/*(docker|oci)\//i.test(text)) return referenceTo(await purl(text));
  return isOfAnotherKind(text) ? undefined : referenceTo(parseImage(text));
}

function isOfAnotherKind(text: string): boolean {
  if (/^pkg:|:\/\//.test(text) || OTHER_KINDS.test(text)) return true;
  const [named = '', digest = ''] = text.split('@');
  // `localhost:5000/app:1` and `nginx:1@sha256:…` are images.
  const isImage = split(named).domain !== undefined || isImageDigest(digest);
  return !isImage && OTHER_SYNTAX.test(text);
}

/** A reference in the words of every ecosystem. */
function referenceTo({ registry, repository, tag, digest }: ImageReference): Reference {
  const wanted = digest ?? tag ?? 'latest';
  return { ecosystem: 'docker', name: qualified(registry, repository), wanted };
}

/** The image that such a reference names. @throws PyrsiaError `REFERENCE_MALFORMED` */
export function imageOf({ name, wanted }: Pick<Reference, 'name' | 'wanted'>): ImageReference {
  const found = unqualified(name);
  if (!found || !(isTag(wanted) || isImageDigest(wanted))) {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text: `${name}@${wanted}`, reason: 'it is no image' });
  }
  return { ...found, ...(isImageDigest(wanted) ? { digest: wanted } : { tag: wanted }) };
}

/** `pkg:docker/org/app@1?repository_url=images.example`, or `pkg:oci/app@sha256:…?repository_url=images.example/org/app&tag=1`. */
async function purl(text: string): Promise<ImageReference> {
  const fail = (reason: string): never => {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  };
  const { type, namespace, name = '', version, qualifiers, subpath } = await parsePurl(text, fail);
  if (subpath !== undefined) fail('an image has no subpath');
  const { repository_url: url, tag, ...others } = Object.fromEntries(new URLSearchParams(qualifiers));
  const [other] = Object.keys(others);
  if (other !== undefined) fail(`the qualifier ${other} is not understood`);
  const path = namespace === undefined ? name : `${namespace}/${name}`;
  if (type?.toLowerCase() === 'oci' && url === undefined)
    fail('a purl of this type says where the image is: ?repository_url=images.example/org/app');
  const base = url?.replace(/^https?:\/\//, '').replace(/\/$/, '');
  // Of docker's type the URL is the registry's, of the other one the repository's.
  const place = base === undefined ? path : type?.toLowerCase() === 'oci' ? base : `${base}/${path}`;
  const wanted = version ?? tag ?? 'latest';
  return parseImage(isImageDigest(wanted) ? `${place}@${wanted}` : `${place}:${wanted}`);
}
