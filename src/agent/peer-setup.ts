/**
 * With what this agent's peers are opened: the user's settings, what commands have written, what the cache has for others, and the
 * port at which others remember this machine. All of it is read when it is asked for.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cache } from '../cache/cache.ts';
import { readConfig } from '../config/read-config.ts';
import type { Config } from '../config/settings.ts';
import { takeChunkBuffer } from '../content/buffers.ts';
import { makeOurs } from '../ours.ts';
import type { Offers, Share } from '../p2p/contract.ts';
import { readLinks } from '../p2p/lan.ts';
import type { OpenPeers, PeersOptions, PeersRules } from '../p2p/open-peers.ts';
import { quietLinks } from '../p2p/quiet-places.ts';
import { readSaid } from '../p2p/said-of-peers.ts';
import type { Paths } from '../paths.ts';
import { isResident } from '../shims/resident.ts';
import { networkOf, networkPath } from '../trust/network-of.ts';
import { shareAt } from './sharing-hours.ts';

/** Files of at least so many bytes have a record of their own in the distributed hash table: 16 MiB. */
const LARGE = 16 * 2 ** 20;

/** What holds for peers now. */
export interface PeerSetup {
  settings(this: void): Config;
  /** With whom this machine shares at this hour. */
  shareNow(this: void): Share;
  /** Whether nothing is given on any link of this machine, since the user said so. */
  isQuietHere(this: void): boolean;
  rulesNow(this: void): PeersRules;
  /** Throws where the network of the user cannot be told: who wants members only is not to be left with everybody. */
  optionsNow(this: void): PeersOptions;
  /** What cannot be changed while they are open, to be compared. */
  fromTheStart(this: void): string;
  /** Whether the user belongs to a network of members only. */
  isPrivate(this: void): boolean;
  /** Remembers where these can be reached, for the next time. */
  keepPort(this: void, opened: OpenPeers): void;
}

/** Nothing is read yet. */
export function peerSetup(
  paths: Paths,
  {
    cache,
    log,
  }: {
    readonly cache: Pick<Cache, 'offered' | 'offeredSets' | 'offeredDocuments'>;
    readonly log: (text: string) => void;
  },
): PeerSetup {
  const settings = (): Config => readConfig(paths, process.env, '/').values;

  const offers: Offers = {
    ...(cache.offeredDocuments && { documents: cache.offeredDocuments }),
    find: cache.offered,
    async *sets() {
      for (const digest of cache.offeredSets(LARGE)) {
        yield digest;
        await new Promise(setImmediate);
      }
    },
  };

  function fromTheStart(): string {
    const { 'share.up': up, 'share.down': down, 'peers.port': port } = settings();
    return JSON.stringify([up, down, port, isResident(paths.state), networkText(paths)]);
  }

  const shareNow = (): Share => shareAt(settings(), new Date());

  function rulesNow(): PeersRules {
    return { share: shareNow(), isQuiet: quietLinks(paths.state), said: readSaid(paths.state) };
  }

  function optionsNow(): PeersOptions {
    const network = networkOf(paths);
    const { 'share.up': up, 'share.down': down, 'peers.port': port } = settings();
    return {
      ...rulesNow(),
      state: paths.state,
      offers,
      resident: isResident(paths.state),
      bootstrap: network?.bootstrap ?? [],
      ...(network?.private && { network: { key: network.key.publicKey, file: network.bytes } }),
      port: typeof port === 'number' ? port : keptPort(paths),
      ...(up !== 'unlimited' && { upload: up }),
      ...(down !== 'unlimited' && { download: down }),
      memory: takeChunkBuffer,
      log,
    };
  }

  return {
    settings,
    shareNow,
    isQuietHere() {
      const links = readLinks();
      return links.length > 0 && links.every(quietLinks(paths.state));
    },
    rulesNow,
    optionsNow,
    fromTheStart,
    isPrivate: () => networkText(paths)?.includes('\n# pyrsia private\n') === true,
    keepPort: (opened) => keepPort(paths, opened),
  };
}

/** The port at which others remember this machine; 0: none yet. */
function keptPort(paths: Paths): number {
  try {
    const port = Number(readFileSync(join(paths.state, 'peer', 'port'), 'latin1'));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  } catch {
    return 0;
  }
}

function keepPort(paths: Paths, opened: OpenPeers): void {
  const [port] = opened.status().listening.flatMap((address) => /\/tcp\/(\d+)\//.exec(address)?.[1] ?? []);
  if (port === undefined || Number(port) === keptPort(paths)) return;
  try {
    makeOurs(join(paths.state, 'peer'));
    writeFileSync(join(paths.state, 'peer', 'port'), port, { mode: 0o600 });
  } catch {
    // Another one will do.
  }
}

/** The file of the network to which the user belongs, whatever is in it; undefined where there is none. */
function networkText(paths: Paths): string | undefined {
  try {
    return readFileSync(networkPath(paths), 'latin1');
  } catch {
    return undefined;
  }
}
