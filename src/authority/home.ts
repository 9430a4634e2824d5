/**
 * Where an authority keeps what is its own: one directory.
 *
 * | file             | what it holds                                                                   |
 * | ---------------- | ------------------------------------------------------------------------------- |
 * | `authority.json` | what it is called, where it answers, where it asks registries                    |
 * | `card`           | what the others need to know of it: names, address, public keys                  |
 * | `keys`           | its four private keys, sealed                                                    |
 * | `network.policy` | the file of its network                                                          |
 * | `public/`        | its copy of the log: any static server may publish it                            |
 * | `state/`         | what its keys have signed last                                                   |
 * | `said.sqlite`    | look-ups, derived from the log                                                   |
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ECOSYSTEM_NAMES, isEcosystem } from '../cache/ecosystem-names.ts';
import { PyrsiaError } from '../errors.ts';
import { formatVerifierKey, isKeyName } from '../log/keys.ts';
import { isRecord, membersOf, textIn } from '../log/shape.ts';
import { invalid } from '../log/text.ts';
import { type AuthorityKeys, createKeys } from './keys.ts';
import { createDiskLog } from './open-log.ts';

/** What an authority is. */
export interface Identity {
  /** The organisation, which has one vote; its keys are called by that. */
  readonly organisation: string;
  /** The name of the log that it would sign. */
  readonly log: string;
  /** Where it answers, ending in `/`. */
  readonly url: string;
  /** The address, ending in `/`, at which it asks the public registry of each ecosystem. */
  readonly upstreams: Readonly<Record<string, string>>;
}

/** The files in an authority's directory. */
export const homeFiles = (directory: string) => ({
  identity: join(directory, 'authority.json'),
  card: join(directory, 'card'),
  keys: join(directory, 'keys'),
  network: join(directory, 'network.policy'),
  log: join(directory, 'public'),
  state: join(directory, 'state'),
  said: join(directory, 'said.sqlite'),
  lock: join(directory, 'lock'),
});

/**
 * Makes an authority in `directory`, and returns its card and its keys. Rejects with `FILE_UNWRITABLE` where there is one, and with
 * `REFERENCE_MALFORMED` for what cannot be a name, an ecosystem or an address.
 */
export async function createHome(
  directory: string,
  passphrase: string,
  identity: Identity,
): Promise<{ readonly card: string; readonly keys: AuthorityKeys }> {
  const { organisation, log, url, upstreams } = identity;
  const odd = [organisation, log].find((name) => !isKeyName(name));
  if (odd !== undefined)
    throw new PyrsiaError('REFERENCE_MALFORMED', { text: odd, reason: 'a name has neither blanks nor +' });
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || !parsed.href.endsWith('/'))
    throw new PyrsiaError('REFERENCE_MALFORMED', {
      text: url,
      reason: 'expected an http(s) URL ending in /',
    });
  for (const [of, at] of Object.entries(upstreams)) checkUpstream(of, at);
  const files = homeFiles(directory);
  if (existsSync(files.identity) || existsSync(files.keys))
    throw new PyrsiaError('FILE_UNWRITABLE', { path: directory, reason: 'there is an authority already' });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keys = await createKeys(files.keys, passphrase, { organisation, log });
  const card = cardOf({ organisation, url: parsed.href }, keys);
  await mkdir(files.log, { recursive: true });
  await mkdir(files.state, { recursive: true, mode: 0o700 });
  await createDiskLog(files.log);
  const { href } = parsed;
  const text = JSON.stringify({ organisation, log, url: href, upstreams }, undefined, 2);
  await writeFile(files.card, card);
  await writeFile(files.identity, `${text}\n`);
  return { card, keys };
}

/** Reads who an authority is. Rejects with `NOT_FOUND`, `DOCUMENT_INVALID`. */
export async function readIdentity(directory: string): Promise<Identity> {
  const { identity: path } = homeFiles(directory);
  if (!existsSync(path)) throw new PyrsiaError('NOT_FOUND', { what: `an authority in ${directory}` });
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    const members = membersOf(value, path, ['organisation', 'log', 'url', 'upstreams']);
    const { upstreams } = members;
    if (!isRecord(upstreams)) throw new TypeError('expected upstreams to be an object');
    const checked = Object.entries(upstreams).map(([of, at]) => [of, checkUpstream(of, at)] as const);
    return {
      organisation: textIn(members, 'organisation'),
      log: textIn(members, 'log'),
      url: textIn(members, 'url'),
      upstreams: Object.fromEntries(checked),
    };
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

/** @throws PyrsiaError `REFERENCE_MALFORMED` */
function checkUpstream(ecosystem: string, at: unknown): string {
  const text = typeof at === 'string' ? at : JSON.stringify(at);
  if (!isEcosystem(ecosystem))
    throw new PyrsiaError('REFERENCE_MALFORMED', {
      text: ecosystem,
      reason: `expected one of ${ECOSYSTEM_NAMES.join(', ')}`,
    });
  if (URL.canParse(text) && text.endsWith('/')) return text;
  throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason: 'expected a URL ending in /' });
}

/** One `keyword value` a line. */
function cardOf({ organisation, url }: Pick<Identity, 'organisation' | 'url'>, keys: AuthorityKeys): string {
  const lines = [
    ['organisation', organisation],
    ['url', url],
    ['log', formatVerifierKey(keys.log.verifier)],
    ['cosign', formatVerifierKey(keys.cosign.verifier)],
    ['attest', formatVerifierKey(keys.attest.verifier)],
    ['peer', peerKeyOf(keys)],
  ];
  return lines.map(([keyword, value]) => `${keyword} ${value}\n`).join('');
}

function peerKeyOf({ peer }: AuthorityKeys): string {
  const { x = '' } = peer.export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}
