/**
 * Hosts on this machine, one of which gives what it has, for the tests of what peers do to each other.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@libp2p/interface';
import { type Digest, digestOf, type Sha256 } from '../../src/content/digest.ts';
import { openAllowance } from '../../src/p2p/serve/allowance.ts';
import { type Clock, monotonicClock } from '../../src/p2p/clock.ts';
import type { Offer } from '../../src/p2p/contract.ts';
import type { PeerFault } from '../../src/p2p/fault.ts';
import { type Host, type HostOptions, openHost } from '../../src/p2p/host/host.ts';
import { type Identity, identityOf } from '../../src/p2p/identity.ts';
import { serve } from '../../src/p2p/serve/serve.ts';
import type { Serving } from '../../src/p2p/serve/serving.ts';

/** Somebody new. */
export function someone(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  return identityOf(Buffer.concat([seed, publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]));
}

/** A host that gives what it was told to offer. */
export interface Giver extends AsyncDisposable {
  readonly host: Host;
  /** Where its files lie. */
  readonly directory: string;
  readonly offers: Map<Digest, Offer>;
  /** What its peers did that they should not have. */
  readonly faults: PeerFault[];
  /** Offers content, which is known by sha256 and sha512 from now on. */
  offer(bytes: Uint8Array, part?: Partial<Offer>): Promise<Sha256>;
  /** Another host, connected with it. */
  connect(): Promise<Connection>;
}

/** Starts one. */
export async function giver(
  serving: Partial<Serving> & { readonly upload?: number; readonly clock?: Clock } = {},
  how: Partial<HostOptions> = {},
): Promise<Giver> {
  const { upload, clock = monotonicClock, ...others } = serving;
  const host = await openHost({ identity: someone(), listen: ['/ip4/127.0.0.1/tcp/0'], ...how });
  const directory = await mkdtemp(join(tmpdir(), 'pyrsia-giver-'));
  const offers = new Map<Digest, Offer>();
  const faults: PeerFault[] = [];
  const takers: Host[] = [];
  await serve(host.libp2p, {
    offers: { find: (digest) => offers.get(digest), async *sets() {} },
    allowance: openAllowance(clock, upload),
    clock,
    gives: () => true,
    tells: () => true,
    self: host.name,
    lists: async () => undefined,
    hints: async () => [],
    fault: (fault) => faults.push(fault),
    ...others,
  });
  return {
    host,
    directory,
    offers,
    faults,
    async offer(bytes, part = {}) {
      const sha256 = digestOf(bytes, 'sha256');
      const path = join(directory, sha256.slice(7));
      await writeFile(path, bytes);
      const offer = { sha256, size: bytes.byteLength, available: bytes.byteLength, path, ...part };
      offers.set(sha256, offer).set(digestOf(bytes, 'sha512'), offer);
      return sha256;
    },
    async connect() {
      const taker = await openHost({ identity: someone() });
      takers.push(taker);
      const connection = await taker.dial(host.name, host.addresses(), { deadlineMs: 20_000 });
      if (connection === undefined) throw new Error('There is no connection');
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const each of [...takers, host]) await each[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
