/**
 * One gate for each upstream, opened when it is first needed, on the port that it had before.
 *
 * @module
 */
import type { KeptPorts } from '../control/ports.ts';
import type { Asker, Upstream } from '../proxy/asker.ts';
import { type Gate, type GateParts, openGate } from '../proxy/gate.ts';

/** The gates of one agent. */
export interface Gates extends AsyncDisposable {
  /** The base URL of an upstream's gate, which is opened where it is not open yet. */
  base(upstream: Upstream): Promise<string>;
  /** Port by upstream. */
  ports(): Promise<Readonly<Record<string, number>>>;
}

/** What gates are made of. */
export interface GatesParts extends Omit<GateParts, 'admit' | 'refuse'> {
  readonly host: string;
  /** The first port to try for an upstream that never had one; undefined: any. */
  readonly firstPort: number | undefined;
  /** Where ports are kept. */
  readonly ports: KeptPorts;
  /** Who shows `credential` at the gate of `upstream`; undefined for strangers. */
  readonly admit: (credential: string, upstream: URL) => Promise<Asker | undefined>;
}

/** No gates so far. */
export function openGates({ host, firstPort, ports, admit, ...parts }: GatesParts): Gates {
  const gates = new Map<string, Promise<Gate>>();

  async function openAt({ url, ecosystem }: Upstream): Promise<Gate> {
    const wanted = ports.get(url.href) ?? (gates.size > 0 ? undefined : firstPort);
    const gate = await openGate(
      {
        ...parts,
        admit: async (credential) => admit(credential, url),
        refuse: (kind, message) => ecosystem.registry.refuse(kind, message),
      },
      { host, ...(wanted === undefined ? {} : { port: wanted }) },
    );
    if (wanted !== undefined && gate.port !== wanted)
      parts.log(`Port ${wanted} is taken: ${url.host} is served on ${gate.port}`);
    ports.keep(url.href, gate.port);
    return gate;
  }

  return {
    async base(upstream) {
      const { href } = upstream.url;
      let gate = gates.get(href);
      if (!gate) gates.set(href, (gate = openAt(upstream)));
      gate.catch(() => gates.delete(href));
      return (await gate).base;
    },
    async ports() {
      const open = [...gates].map(async ([url, gate]) => [url, (await gate).port] as const);
      return Object.fromEntries(await Promise.all(open));
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([...gates.values()].map(async (gate) => (await gate)[Symbol.asyncDispose]()));
    },
  };
}
