/**
 * An ecosystem as plain as one can be, so that tests of the proxy show what it does for any of them: names and
 * versions are letters and digits, `/name/version/file` is an artifact, `/name` a listing in JSON, its
 * digests are sha256, and a client names the digest it expects in `x-expects`.
 *
 * @module
 */
import { type Digest, isDigest } from '../../src/content/digest.ts';
import type { Ecosystem, Reference, Reply } from '../../src/ecosystems/ecosystem.ts';
import { PyrsiaError } from '../../src/errors.ts';

/** A listing: the digest of each version. */
interface Listing {
  readonly name: string;
  readonly versions: Readonly<Record<string, Digest>>;
}

const reply = (status: number, message: string): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ why: message }),
});

const pathOf = (name: string, version: string): string => `/${name}/${version}/file`;

/** The plain ecosystem. It goes under npm's name, because the list of names is closed. */
export const plain: Ecosystem = {
  name: 'npm',
  async parse(text) {
    if (!text.startsWith('plain:')) return undefined;
    const [, name, wanted] = /^plain:([a-z]+)@([\w.]+)$/.exec(text) ?? [];
    if (!name || !wanted)
      throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason: 'expected plain:name@version' });
    return { ecosystem: 'npm', name, wanted };
  },
  registry: {
    route(method, path, query, headers) {
      if (method !== 'GET' && method !== 'HEAD')
        return { kind: 'refused', reason: `${method} is not for us` };
      if (path === '/ask') return { kind: 'passthrough' };
      if (path === '/loose') return { kind: 'passthrough', nameless: path };
      if (path === '/hello') return { kind: 'answer', reply: reply(200, 'hello') };
      const [, name, version] = /^\/([a-z]+)(?:\/([\w.]*\w)\/file)?$/.exec(path) ?? [];
      if (!name || query !== '') return { kind: 'refused', reason: `${path} is no path of this registry` };
      if (!version) return { kind: 'metadata', what: name, path: `/${name}`, accept: 'application/json' };
      const claimed = headers['x-expects'] ?? '';
      return {
        kind: 'artifact',
        coordinates: { ecosystem: 'npm', name, version },
        ...(isDigest(claimed) ? { claimed } : {}),
      };
    },
    locate(path, upstream) {
      const url = path.startsWith('/')
        ? new URL(`${upstream.origin}${upstream.pathname.replace(/\/$/, '')}${path}`)
        : undefined;
      if (!url?.pathname.startsWith(upstream.pathname)) {
        throw new PyrsiaError('REFERENCE_MALFORMED', { text: path, reason: 'it leads out of the registry' });
      }
      return url;
    },
    document: ({ name }) => ({ path: `/${name}`, accept: 'application/json' }),
    listings: ({ name }) => [{ path: `/${name}`, accept: 'application/json' }],
    digest(body, { name, version }) {
      const listing = read(body);
      return listing?.name === name ? listing.versions[version] : undefined;
    },
    select(body, reference) {
      const digest = this.digest(body, { ecosystem: 'npm', name: reference.name, version: reference.wanted });
      return digest && { ...located(reference), digest };
    },
    inPublic: () => undefined,
    exact: located,
    check(body, what) {
      if (!read(body)) throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: 'no listing' });
    },
    artifactHost: () => undefined,
    refuse: (kind, message) => reply(kind === 'refused' ? 403 : 503, message),
  },
  tools: [
    {
      executable: 'plain',
      calls: { aside: ['upload'], idle: ['list', '--help'], fetching: ['download'], options: ['--quiet'] },
      settings: {
        variables: ['PLAIN_REGISTRY', 'PLAIN_CONFIG'],
        otherVariables: [],
        led: ['PLAIN_REGISTRY', 'PLAIN_CONFIG'],
        projectFiles: ['.plain'],
        lockfiles: ['plain.lock'],
      },
      stepAside: (args) => (args[0] === 'upload' ? 'plain upload is yours' : undefined),
      redirect: ({ leading, credential, globalConfig, pathOf: file }) => ({
        env: { PLAIN_REGISTRY: leading[0]?.base ?? '', PLAIN_CONFIG: file('config') },
        files: { config: `${globalConfig}\ntoken=${credential}` },
      }),
    },
  ],
};

function located({ name, wanted }: Reference) {
  return { coordinates: { ecosystem: 'npm' as const, name, version: wanted }, path: pathOf(name, wanted) };
}

function read(body: Uint8Array): Listing | undefined {
  try {
    const listing = JSON.parse(Buffer.from(body).toString()) as Listing | null;
    return listing !== null && typeof listing === 'object' && 'versions' in listing ? listing : undefined;
  } catch {
    return undefined;
  }
}
