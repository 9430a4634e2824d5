/**
 * The log of the user's own network, for a command.
 *
 * @module
 */
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import type { Session } from '../session.ts';
import { type LogClient, openLogClient } from '../trust/log-client.ts';
import { networkOf, networkPath, type OwnNetwork, placesOf } from '../trust/network-of.ts';
import { sourceAt } from './log-place.ts';

/** An open log. */
export interface OwnLog extends AsyncDisposable {
  readonly client: LogClient;
  /** Why nobody is asked; undefined where somebody is. */
  readonly offline?: string;
}

/** The user's network. Rejects with `NOT_FOUND` where there is none. */
export function demandNetwork(session: Session): OwnNetwork {
  const network = networkOf(session.paths);
  if (network === undefined)
    throw new PyrsiaError('NOT_FOUND', {
      what: `a network (${networkPath(session.paths)}): pyrsia network join FILE`,
    });
  return network;
}

/** Opens the log of the user's network. */
export async function openOwnLog(session: Session): Promise<OwnLog> {
  const network = demandNetwork(session);
  const offline = session.env['PYRSIA_OFFLINE'] === '1' ? 'PYRSIA_OFFLINE=1' : undefined;
  const opened =
    offline === undefined
      ? await Promise.all(placesOf(network).map((place) => sourceAt(session, place)))
      : [];
  makeOurs(session.paths.state);
  makeOurs(session.paths.cache);
  const client = openLogClient(network, {
    state: join(session.paths.state, 'log', network.directory),
    cache: join(session.paths.cache, 'log', network.directory),
    sources: opened.map(({ source }) => source),
    now: Date.now,
  });
  return {
    client,
    ...(offline !== undefined && { offline }),
    async [Symbol.asyncDispose]() {
      await client.files.settled();
      for (const { close } of opened) await close();
    },
  };
}
