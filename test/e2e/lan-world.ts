/**
 * Laptops on one network, each with a home and an agent of its own, and the registry at the end of one cable.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { vi } from 'vitest';
import type { PeerKnown, PeersStatus } from '../../src/control/protocol.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import type { Finished, Running, RunOptions } from '../support/command.ts';
import type { Host, Lan } from '../support/lan.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

/** A laptop. */
export interface Laptop {
  readonly host: Host;
  readonly sandbox: Sandbox;
  /** Runs a command of ours there; rejects with what it said where it fails. */
  pyrsia(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts one, and leaves it to the test. */
  begin(args: readonly string[], options?: RunOptions): Running;
  /** Runs a tool there through us, with npm's own cache empty. */
  afresh(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Has its agent stay, and waits until it can be reached; where, with its name. */
  stay(): Promise<string>;
  last(): Promise<Receipt>;
  peers(): Promise<PeersStatus>;
  /** Whom it knows. */
  known(): Promise<readonly PeerKnown[]>;
}

/** The network, and what is on it. */
export interface LanWorld<R, L extends Lan = Lan> extends AsyncDisposable {
  readonly lan: L;
  readonly laptops: readonly Laptop[];
  /** At an address that all of them reach. */
  readonly registry: R;
}

/** Puts a laptop at each end of a network, whose users' registry counts as public; `openRegistry` starts it at an address. */
export async function openLanWorld<R extends AsyncDisposable & { readonly url: string }, L extends Lan>(
  network: L,
  openRegistry: (address: string) => Promise<R>,
  settings: Readonly<Record<string, string>> = {},
): Promise<LanWorld<R, L>> {
  await using making = new AsyncDisposableStack();
  const lan = making.use(network);
  const registry = making.use(await openRegistry(lan.here.address));
  const laptops = lan.hosts.map((host) => {
    const sandbox = making.use(openSandbox({ registry: registry.url, npmrc: { 'fetch-retries': 0 } }));
    return laptopAt(host, sandbox);
  });
  const set = async (laptop: Laptop): Promise<void> => {
    for (const [key, value] of Object.entries({ 'npm.public': registry.url, ...settings }))
      await laptop.pyrsia(['config', 'set', key, value]);
  };
  await Promise.all(laptops.map(set));
  const all = making.move();
  return { lan, laptops, registry, [Symbol.asyncDispose]: async () => all.disposeAsync() };
}

function laptopAt(host: Host, sandbox: Sandbox): Laptop {
  const begin: Laptop['begin'] = (args, { env = {}, ...options } = {}) =>
    sandbox.start(host.command(sandbox.pyrsiaCommand(args)), {
      ...options,
      env: { PYRSIA_PEERS: 'on', PYRSIA_FILL: 'link', ...env },
    });
  const pyrsia: Laptop['pyrsia'] = async (args, options) => {
    const done = await begin(args, options).result;
    if (done.code !== 0)
      throw new Error(`${args.join(' ')} ended with ${done.code}: ${done.stderr}${done.stdout}`);
    return done;
  };
  const json = async <T>(args: readonly string[]): Promise<T> =>
    JSON.parse((await pyrsia([...args, '--json'])).stdout) as T;
  const peers = async (): Promise<PeersStatus> =>
    (await json<{ peers: PeersStatus }>(['agent', 'status'])).peers;
  return {
    host,
    sandbox,
    pyrsia,
    begin,
    async afresh(command, options) {
      sandbox.freshNpmCache();
      return pyrsia(['exec', '--', ...command], options);
    },
    async stay() {
      return vi.waitFor(
        async () => {
          // Again where the machine is too busy for an agent to say who it is within a second.
          await pyrsia(['node', 'start']);
          const [place] = (await peers()).listening;
          if (place === undefined) throw new Error(`${host.address} is not reached`);
          return place;
        },
        { timeout: 40_000, interval: 200 },
      );
    },
    last: async () => json<Receipt>(['why', 'last']),
    peers,
    known: async () => json<readonly PeerKnown[]>(['peers', 'ls']),
  };
}

/** What is at this port of this machine, at another address. */
export type Forwarder = AsyncDisposable & { readonly url: string };

/** Opens it. */
export async function forward(address: string, port: number): Promise<Forwarder> {
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  }).listen(0, address);
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${own}/`,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
