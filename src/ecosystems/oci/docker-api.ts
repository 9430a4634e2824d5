/**
 * What docker's client and its daemon say to each other of images, as far as we have to understand it.
 *
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate
 * @module
 */
import { PyrsiaError } from '../../errors.ts';
import { DEFAULT_REGISTRY, isImageDigest, qualified, split } from './names.ts';
import { type ImageReference, parseImage } from './reference.ts';

/** A request for one image. */
export interface ImageAskedFor {
  /** The version of the API, as paths begin with it: `/v1.41`, or nothing. */
  readonly version: string;
  /** With a tag or a digest, never with both. */
  readonly image: ImageReference;
  /** As the client has said it: `linux/arm64`. */
  readonly platform?: string;
}

/**
 * Reads `POST` of this path with query. Undefined where it is about something else: no image, all tags of one, what
 * is imported from a file, or a name that nobody can read.
 */
export function imageAskedFor(target: string): ImageAskedFor | undefined {
  const [, version = '', search] = /^(\/v\d+\.\d+)?\/images\/create\?(.*)$/.exec(target) ?? [];
  const query = new URLSearchParams(search);
  const from = query.get('fromImage')?.replace(/:$/, '');
  if (!from || query.get('fromSrc')) return undefined;
  const { domain, path } = split(from);
  const bare = [...(domain === undefined ? [] : [domain]), path.replace(/[:@].*$/, '')].join('/');
  const tag = query.get('tag') ?? '';
  // It has neither there nor here: all tags are wanted.
  if (tag === '' && bare === from) return undefined;
  const name = tag === '' ? from : `${bare}${isImageDigest(tag) ? '@' : ':'}${tag}`;
  const platform = query.get('platform');
  try {
    const { registry, repository, tag: named, digest } = parseImage(name);
    const meant = digest === undefined ? (named === undefined ? {} : { tag: named }) : { digest };
    return { version, image: { registry, repository, ...meant }, ...(platform ? { platform } : {}) };
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/** Whether a request of this method and path with query has the daemon fetch images, or make some of a file. */
export function isImageRequest(method: string, target: string): boolean {
  return method === 'POST' && /^(?:\/v\d+\.\d+)?\/images\/create\?/.test(target);
}

/** Whether such a request makes a builder begin, in the words of any of them. */
export function isBuildRequest(target: string): boolean {
  return /^(?:\/v\d+\.\d+)?\/(?:build|session|grpc)(?:\?|$)/.test(target);
}

/** Where the daemon is asked to pull `name` (without tag and digest) from wherever that name leads it. */
export function pullPath({ version, image: { tag, digest }, platform }: ImageAskedFor, name: string): string {
  const query = new URLSearchParams({ fromImage: name, tag: digest ?? tag ?? 'latest' });
  if (platform !== undefined) query.set('platform', platform);
  return `${version}/images/create?${query.toString()}`;
}

/** An image's name as the daemon keeps it, without tag and digest: `nginx`, `org/app`, `images.example/app`. */
export function familiarName({
  registry,
  repository,
}: Pick<ImageReference, 'registry' | 'repository'>): string {
  const short = repository.replace(/^library\/(?=[^/]+$)/, '');
  return registry === DEFAULT_REGISTRY ? short : qualified(registry, repository);
}

/** The same with its tag or digest. */
export function nameOf(image: ImageReference): string {
  return withVersion(familiarName(image), image);
}

/** `name` with a tag or a digest behind it. */
export function withVersion(name: string, { tag, digest }: Pick<ImageReference, 'tag' | 'digest'>): string {
  return digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
}

/** What a client shows for the registry that it wants an image of. */
export interface HandedOver {
  readonly username: string;
  readonly password: string;
  /** The password is no one's, but a token by which further ones are got. */
  readonly isToken?: true;
}

/** Reads `X-Registry-Auth`; undefined where it holds no credential. */
export function credentialIn(header: string | undefined): HandedOver | undefined {
  if (header === undefined) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(header, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (typeof said !== 'object' || said === null) return undefined;
  const text = (name: string): string => {
    const value: unknown = Reflect.get(said, name);
    return typeof value === 'string' ? value : '';
  };
  if (text('identitytoken') !== '') return { username: '', password: text('identitytoken'), isToken: true };
  return text('username') === '' || text('password') === ''
    ? undefined
    : { username: text('username'), password: text('password') };
}

/** One line of a pull's progress. */
export interface ProgressLine {
  readonly text: string;
  /** The layer that it is about, by the beginning of its digest. */
  readonly id?: string;
  /** What it ends with: which image it was, once all of it is there. */
  readonly status?: string;
  readonly error?: string;
}

/** Reads a line of progress. What is none has only its text. */
export function progressLine(text: string): ProgressLine {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return { text };
  }
  if (typeof said !== 'object' || said === null) return { text };
  const id: unknown = 'id' in said ? said.id : undefined;
  const status: unknown = 'status' in said ? said.status : undefined;
  const error: unknown = 'error' in said ? said.error : undefined;
  return {
    text,
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof status === 'string' ? { status } : {}),
    ...(typeof error === 'string' ? { error } : {}),
  };
}
