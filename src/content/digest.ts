/**
 * Digests name content: an algorithm, a colon and lower-case hex, as in the
 * {@link https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests | OCI image spec}.
 *
 * One spelling serves every ecosystem. npm's Subresource Integrity strings and Maven's bare hex
 * sidecars become digests at the edge and travel inward as digests.
 *
 * Hashed with `node:crypto`: layers are gigabytes.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { PyrsiaError } from '../errors.ts';

/** Hash functions we can check, weakest first. `sha1` is what old packages have; it never stands alone for long. */
export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha512';

/** A string, so it can be a map key, a file name and a JSON value as it stands. */
export type Digest = `${DigestAlgorithm}:${string}`;

/** The digest that names content in our store. */
export type Sha256 = `sha256:${string}`;

/** An incremental hash function that ends in a {@link Digest}. */
export interface Digester {
  update(chunk: Uint8Array): void;
  digest(): Digest;
}

/** Starts a digest of content that arrives in chunks. */
export function digester(algorithm: DigestAlgorithm): Digester {
  const hash = createHash(algorithm);
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => `${algorithm}:${hash.digest('hex')}`,
  };
}

/** Digests `bytes` at once. */
export function digestOf<A extends DigestAlgorithm>(bytes: Uint8Array, algorithm: A): `${A}:${string}` {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/**
 * Reads a digest, accepting only the one canonical spelling.
 *
 * @throws PyrsiaError `DIGEST_MALFORMED` for an unknown algorithm, upper-case hex or a wrong length.
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new PyrsiaError('DIGEST_MALFORMED', { text });
  return text;
}

/** Whether `text` is a well-formed digest. */
export function isDigest(text: string): text is Digest {
  return /^(sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

/** The algorithm a digest was made with. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  if (digest.startsWith('sha256:')) return 'sha256';
  return digest.startsWith('sha512:') ? 'sha512' : 'sha1';
}

/** The hex part. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** Whether a digest names content in our store. */
export function isSha256(digest: Digest): digest is Sha256 {
  return digest.startsWith('sha256:');
}

/** Whether collisions of this digest can be made to order: good enough to notice damage, not to prove identity. */
export function isWeak(digest: Digest): boolean {
  return digest.startsWith('sha1:');
}

/** The digest of `digests` made with `algorithm`, where there is one. */
export function digestWith(digests: readonly Digest[], algorithm: DigestAlgorithm): Digest | undefined {
  return digests.find((digest) => algorithmOf(digest) === algorithm);
}

/**
 * The first pair of digests that were made with the same algorithm and differ.
 * Without such a pair the two lists may describe the same content.
 */
export function contradiction(
  expected: readonly Digest[],
  actual: readonly Digest[],
): { readonly expected: Digest; readonly actual: Digest } | undefined {
  for (const digest of actual) {
    const known = digestWith(expected, algorithmOf(digest));
    if (known !== undefined && known !== digest) return { expected: known, actual: digest };
  }
  return undefined;
}

/**
 * Converts a Subresource Integrity string, as in npm metadata and lockfiles, taking its strongest hash.
 * Undefined when it holds no hash that we can check.
 *
 * @see https://www.w3.org/TR/sri-2/#the-integrity-attribute
 */
export function digestFromIntegrity(integrity: string): Digest | undefined {
  const digests = integrity.split(/\s+/).flatMap((hash) => {
    const [, algorithm, base64] = /^(sha1|sha256|sha512)-([A-Za-z0-9+/]+={0,2})(\?|$)/.exec(hash) ?? [];
    const digest =
      base64 === undefined ? '' : `${algorithm}:${Buffer.from(base64, 'base64').toString('hex')}`;
    return isDigest(digest) ? [digest] : [];
  });
  return digestWith(digests, 'sha512') ?? digestWith(digests, 'sha256') ?? digests[0];
}

/** Writes a digest as a Subresource Integrity string, the spelling of npm and cacache. */
export function integrityOf(digest: Digest): string {
  return `${algorithmOf(digest)}-${Buffer.from(hexOf(digest), 'hex').toString('base64')}`;
}
