import type { Ecosystem, Headers } from '../ecosystems/ecosystem.ts';
import type { Reporter } from '../resolve/reporter.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
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
  readonly policy: Policy;
  /** Why upstream is not asked; undefined when it is. */
  readonly offline?: string;
  readonly reporter: Reporter;
  /** How its upstream is asked, where that takes more than a request: tokens have to be got first. */
  readonly ask?: Upstreams['ask'];
}

/** What never crosses a proxy (RFC 9110 §7.6.1), and what is ours to say. */
const NOT_PASSED_ON = new Set([
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
  'authorization',
  'cookie',
  'expect',
]);

/** Headers that may go on to the other side, without those in `besides`. */
export function passedOn(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  ...besides: string[]
): Headers {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || NOT_PASSED_ON.has(name) || besides.includes(name)) continue;
    passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return passed;
}
