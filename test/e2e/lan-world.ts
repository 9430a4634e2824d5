/**
 * Laptops on one network, each with a home and an agent of its own, and the registry at the end of one cable.
 *
 * @module
 */
import type { PeersStatus } from '../../src/control/protocol.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import { type Host, type Lan, openLan } from '../support/lan.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

/** A laptop. */
export interface Laptop {
  readonly host: Host;
  readonly sandbox: Sandbox;
  /** Runs a command of ours there; rejects with what it said where it fails. */
  pyrsia(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs a tool there through us, with npm's own cache empty. */
  afresh(command: readonly string[], options?: RunOptions): Promise<Finished>;
  last(): Promise<Receipt>;
  peers(): Promise<PeersStatus>;
}

/** The network, and what is on it. */
export interface LanWorld<R> extends AsyncDisposable {
  readonly lan: Lan;
  readonly laptops: readonly Laptop[];
  /** At an address that all of them reach. */
  readonly registry: R;
}

/** Opens a network with so many laptops, whose users' registry counts as public; `openRegistry` starts it at an address. */
export async function openLanWorld<R extends AsyncDisposable & { readonly url: string }>(
  count: number,
  openRegistry: (address: string) => Promise<R>,
  settings: Readonly<Record<string, string>> = {},
): Promise<LanWorld<R>> {
  await using making = new AsyncDisposableStack();
  const lan = making.use(openLan(count));
  const registry = making.use(await openRegistry(lan.here.address));
  const laptops: Laptop[] = [];
  for (const host of lan.hosts) {
    const sandbox = making.use(openSandbox({ registry: registry.url, npmrc: { 'fetch-retries': 0 } }));
    const laptop = laptopAt(host, sandbox);
    for (const [key, value] of Object.entries({ 'npm.public': registry.url, ...settings }))
      await laptop.pyrsia(['config', 'set', key, value]);
    laptops.push(laptop);
  }
  const all = making.move();
  return { lan, laptops, registry, [Symbol.asyncDispose]: async () => all.disposeAsync() };
}

function laptopAt(host: Host, sandbox: Sandbox): Laptop {
  const pyrsia: Laptop['pyrsia'] = async (args, { env = {}, ...options } = {}) => {
    const command = host.command(sandbox.pyrsiaCommand(args));
    const done = await sandbox.start(command, {
      ...options,
      env: { PYRSIA_PEERS: 'on', PYRSIA_FILL: 'link', ...env },
    }).result;
    if (done.code !== 0)
      throw new Error(`${args.join(' ')} ended with ${done.code}: ${done.stderr}${done.stdout}`);
    return done;
  };
  const json = async <T>(args: readonly string[]): Promise<T> =>
    JSON.parse((await pyrsia([...args, '--json'])).stdout) as T;
  return {
    host,
    sandbox,
    pyrsia,
    async afresh(command, options) {
      sandbox.freshNpmCache();
      return pyrsia(['exec', '--', ...command], options);
    },
    last: async () => json<Receipt>(['why', 'last']),
    peers: async () => (await json<{ peers: PeersStatus }>(['agent', 'status'])).peers,
  };
}
