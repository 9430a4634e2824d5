/**
 * Which network a user belongs to: one file among their own settings, which no project and no script of a package may name.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { type Network, parseNetwork } from '../log/network.ts';
import { NETWORK_LIMIT, networkKeyOf } from '../log/network-file.ts';
import type { Verifier } from '../log/keys.ts';
import type { Paths } from '../paths.ts';

/** The network of a user. */
export interface OwnNetwork extends Network {
  /** The file, as it is. */
  readonly bytes: Uint8Array;
  /** Whose signature is on it. */
  readonly key: Verifier;
  /** The origin of its log. */
  readonly origin: string;
  /** What its directories are called: the log's, so that another log is another memory. */
  readonly directory: string;
}

/** Where the file lies. */
export function networkPath(paths: Pick<Paths, 'config'>): string {
  return join(paths.config, 'network.policy');
}

/** Reads a network. @throws PyrsiaError `DOCUMENT_INVALID`, `NOT_PROVEN` */
export function readNetwork(bytes: Uint8Array, what: string): OwnNetwork {
  const key = networkKeyOf(bytes, what);
  const network = parseNetwork(bytes, what);
  const [log, ...others] = network.policy.logs;
  if (log === undefined || others.length > 0 || log.url === undefined)
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: 'it does not name one log and its address' });
  const { name, publicKey } = log.verifier;
  const directory = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), publicKey]), 'hex').slice(0, 16);
  return { ...network, bytes, key, origin: name, directory };
}

/**
 * The network of a user; undefined where there is none.
 *
 * @throws PyrsiaError as {@link readNetwork}
 */
export function networkOf(paths: Pick<Paths, 'config'>): OwnNetwork | undefined {
  const path = networkPath(paths);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile() || found.size > NETWORK_LIMIT)
    throw new PyrsiaError('DOCUMENT_INVALID', {
      what: path,
      reason: `no file of at most ${NETWORK_LIMIT} bytes`,
    });
  return readNetwork(readFileSync(path), path);
}

/** Where the log of a network may be read: at its own address, and at those who watch it. */
export function placesOf({ policy }: OwnNetwork): string[] {
  const urls = [...policy.logs, ...policy.witnesses.values()].flatMap(({ url }) => url ?? []);
  return [...new Set(urls.map((url) => (url.endsWith('/') ? url : `${url}/`)))];
}
