import { digestOf, hexOf } from '../content/digest.ts';
import type { Ecosystem, Headers } from '../ecosystems/ecosystem.ts';
import type { Reporter } from '../resolve/reporter.ts';
import type { ConnectionSettings, OwnProof } from '../shims/settings.ts';
import type { Policy } from '../verify/expect.ts';
import type { Upstreams } from './upstream.ts';

/** A registry, as the user's tool is configured with it. */
export interface Upstream {
  /** Without userinfo, ending in `/`. */
  readonly url: URL;
  /** Canonical: the ecosystem's name if it is a public one, else its URL. Bindings are kept under it. */
  readonly name: string;
  readonly public: boolean;
  readonly ecosystem: Ecosystem;
}

/** Who asks one upstream: a launch, with what its user configured for it. */
export interface Asker {
  readonly upstream: Upstream;
  readonly connection: ConnectionSettings;
  /** The user's own credential for this upstream: used only after it was refused without. Never kept. */
  readonly authorization?: string;
  /** Set where the client itself proves there who its user is; it names its launch, and shows no credential of ours. */
  readonly proof?: OwnProof;
  readonly policy: Policy;
  /** Why upstream is not asked; undefined when it is. */
  readonly offline?: string;
  /** Its user wants no peers to be asked for it. */
  readonly alone?: boolean;
  /** Whose copies of documents are taken where upstream is not asked; absent: nobody's. */
  readonly copies?: 'neighbours' | 'trusted';
  readonly reporter: Reporter;
  /** How its upstream is asked, where that takes more than a request: tokens have to be got first. */
  readonly ask?: Upstreams['ask'];
}

/**
 * Whether peers may hear the digest of something by this name: never of what is private. Of a public registry, what a user
 * shows a credential for may be theirs alone where its name has an owner.
 */
export function mayBeHeard({ upstream, alone, authorization }: Asker, name: string): boolean {
  return upstream.public && !alone && (authorization === undefined || !name.startsWith('@'));
}

/** The same registry as somebody else knows it: another one for bindings, documents and transfers. Nothing can be told from the mark. */
export function apart(url: URL, as: unknown): URL {
  const marked = new URL(url);
  marked.hash = hexOf(digestOf(Buffer.from(JSON.stringify(as)), 'sha256')).slice(0, 16);
  return marked;
}

/** What never crosses a proxy (RFC 9110 §7.6.1), and what is ours to say. */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
]);

/** What is shown to one registry alone. */
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'cookie']);

/** Whether a header is about one connection, and not about what is asked on it. */
export function isOfConnection(name: string): boolean {
  return OF_CONNECTIONS.has(name);
}

/** Headers that may go on to the other side, without those in `besides`. */
export function passedOn(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  ...besides: string[]
): Headers {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isOfConnection(name) || SECRETS.has(name) || besides.includes(name)) continue;
    passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return passed;
}
