/**
 * One gate for each upstream, opened when it is first needed, on the port that it had before.
 *
 * @module
 */
import type { KeptPorts } from '../control/ports.ts';
import type { Asker, Upstream } from '../proxy/asker.ts';
import { type GateParts, openGate } from '../proxy/gate.ts';
import type { Gate } from '../proxy/server.ts';

/** What stands for all registries of images, which are served on one port. */
const IMAGES = 'images';

/** The gates of one agent. */
export interface Gates extends AsyncDisposable {
  /** The base URL of an upstream's gate, which is opened where it is not open yet. */
  base(upstream: Upstream): Promise<string>;
  /** The base URL of the gate of images, which is opened where it is not open yet. */
  imageBase(): Promise<string>;
  /** Port by upstream. */
  ports(): Promise<Readonly<Record<string, number>>>;
}

/** What gates are made of. */
export interface GatesParts extends Omit<GateParts, 'admit' | 'admitNamed' | 'refuse'> {
  readonly host: string;
  /** The first port to try for an upstream that never had one; undefined: any. */
  readonly firstPort: number | undefined;
  /** Where ports are kept. */
  readonly ports: KeptPorts;
  /** Opens the gate of images. */
  readonly openImages: (where: { readonly host: string; readonly port?: number }) => Promise<Gate>;
  /** Who shows `credential` at the gate of `upstream`; undefined for strangers. */
  readonly admit: (credential: string, upstream: URL) => Promise<Asker | undefined>;
  /** Who belongs to the launch of a public name, as {@link GatesParts.admit}. */
  readonly admitNamed: (name: string, upstream: URL) => Promise<Asker | undefined>;
}

/** No gates so far. */
export function openGates({
  host,
  firstPort,
  ports,
  admit,
  admitNamed,
  openImages,
  ...parts
}: GatesParts): Gates {
  const gates = new Map<string, Promise<Gate>>();

  /** Opens a gate on the port that is kept for it. */
  async function openOn(
    name: string,
    open: (where: { readonly host: string; readonly port?: number }) => Promise<Gate>,
  ): Promise<Gate> {
    const wanted = ports.get(name) ?? (gates.size > 0 ? undefined : firstPort);
    const gate = await open({ host, ...(wanted === undefined ? {} : { port: wanted }) });
    if (wanted !== undefined && gate.port !== wanted)
      parts.log(`Port ${wanted} is taken: ${URL.parse(name)?.host ?? name} is served on ${gate.port}`);
    ports.keep(name, gate.port);
    return gate;
  }

  async function baseOf(
    name: string,
    open: (where: { readonly host: string; readonly port?: number }) => Promise<Gate>,
  ): Promise<string> {
    let gate = gates.get(name);
    if (!gate) gates.set(name, (gate = openOn(name, open)));
    gate.catch(() => gates.delete(name));
    return (await gate).base;
  }

  return {
    imageBase: async () => baseOf(IMAGES, openImages),
    base: async ({ url, ecosystem }) =>
      baseOf(url.href, async (where) =>
        openGate(
          {
            ...parts,
            admit: async (credential) => admit(credential, url),
            admitNamed: async (name) => admitNamed(name, url),
            refuse: (kind, message) => ecosystem.registry.refuse(kind, message),
          },
          where,
        ),
      ),
    async ports() {
      const open = [...gates].map(async ([url, gate]) => [url, (await gate).port] as const);
      return Object.fromEntries(await Promise.all(open));
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([...gates.values()].map(async (gate) => (await gate)[Symbol.asyncDispose]()));
    },
  };
}
