/**
 * An authority's four keys, in one file that a passphrase opens: who it is among peers, with what it signs a log of its own,
 * with what it cosigns others' checkpoints, and with what it vouches for what it has seen.
 *
 * The file is JSON: scrypt (RFC 7914) makes a key of the passphrase, AES-256-GCM seals the private keys with it.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
} from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { PyrsiaError } from '../errors.ts';
import { type Signer, signerOf } from '../log/keys.ts';
import { countIn, membersOf, textIn } from '../log/shape.ts';
import { invalid } from '../log/text.ts';

/** scrypt's cost: 128 MiB and some 0.4 s, so that guessing passphrases is dear. */
const COST = 2 ** 17;
const BLOCK_SIZE = 8;

/** The least characters of a passphrase. */
export const PASSPHRASE_LEAST = 12;

/** The most bytes of the file of keys, or of one with a passphrase. */
const FILE_LIMIT = 64 * 2 ** 10;

/** What the keys are called. */
export interface KeyNames {
  /** Of the log that it signs, its origin. */
  readonly log: string;
  /** Of the organisation. */
  readonly organisation: string;
}

/** The keys, open. */
export interface AuthorityKeys {
  readonly peer: KeyObject;
  readonly log: Signer;
  readonly cosign: Signer;
  readonly attest: Signer;
}

/** Makes four keys and writes them to `path`, for its user alone. Rejects with `FILE_UNWRITABLE` where there is a file. */
export async function createKeys(path: string, passphrase: string, names: KeyNames): Promise<AuthorityKeys> {
  const keys = { peer: madeKey(), log: madeKey(), cosign: madeKey(), attest: madeKey() };
  const plain = Object.fromEntries(
    Object.entries(keys).map(([kind, key]) => [
      kind,
      key.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    ]),
  );
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await sealingKey(passphrase, salt), nonce);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(plain)), cipher.final(), cipher.getAuthTag()]);
  const text = {
    version: 1,
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
  };
  await writeSecret(path, `${JSON.stringify(text)}\n`);
  return keysOf(keys, names);
}

/** Opens the keys at `path`. Rejects with `NOT_PROVEN` for another passphrase, `DOCUMENT_INVALID`, `NOT_FOUND`. */
export async function openKeys(path: string, passphrase: string, names: KeyNames): Promise<AuthorityKeys> {
  const sealed = sealedIn(await readSecret(path), path);
  const open = createDecipheriv('aes-256-gcm', await sealingKey(passphrase, sealed.salt), sealed.nonce);
  open.setAuthTag(sealed.bytes.subarray(-16));
  let plain: string;
  try {
    plain = Buffer.concat([open.update(sealed.bytes.subarray(0, -16)), open.final()]).toString();
  } catch (error) {
    const reason = 'the passphrase is not that of these keys';
    throw new PyrsiaError('NOT_PROVEN', { what: path, reason }, { cause: error });
  }
  const members = membersOf(JSON.parse(plain), 'keys', ['peer', 'log', 'cosign', 'attest']);
  const key = (kind: string): KeyObject =>
    createPrivateKey({ key: Buffer.from(textIn(members, kind), 'base64'), format: 'der', type: 'pkcs8' });
  return keysOf({ peer: key('peer'), log: key('log'), cosign: key('cosign'), attest: key('attest') }, names);
}

/**
 * The passphrase in a file of the user's, without the end of its line; `make` has one made where there is no file. Rejects with
 * `DOCUMENT_INVALID` for a file that others may read.
 */
export async function passphraseIn(path: string, make: boolean): Promise<string> {
  if (make) {
    try {
      await writeSecret(path, `${randomBytes(32).toString('base64url')}\n`);
    } catch (error) {
      if (!(error instanceof PyrsiaError)) throw error;
    }
  }
  const text = (await readSecret(path)).replace(/\r?\n$/, '');
  if (text.length < PASSPHRASE_LEAST)
    throw invalid(path, `a passphrase has ${PASSPHRASE_LEAST} characters at least`);
  return text;
}

function keysOf(
  keys: Record<'peer' | 'log' | 'cosign' | 'attest', KeyObject>,
  names: KeyNames,
): AuthorityKeys {
  return {
    peer: keys.peer,
    log: signerOf(names.log, 'ed25519', keys.log),
    cosign: signerOf(names.organisation, 'cosignature/v1', keys.cosign),
    attest: signerOf(names.organisation, 'ed25519', keys.attest),
  };
}

function madeKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

function sealedIn(text: string, what: string): { salt: Buffer; nonce: Buffer; bytes: Buffer } {
  try {
    const members = membersOf(JSON.parse(text), 'keys', ['version', 'salt', 'nonce', 'sealed']);
    if (countIn(members, 'version') !== 1) throw new TypeError('a later version has written them');
    const [salt, nonce, bytes] = ['salt', 'nonce', 'sealed'].map((member) =>
      Buffer.from(textIn(members, member), 'base64'),
    );
    if (nonce!.byteLength !== 12 || bytes!.byteLength < 16) throw new TypeError('they are cut');
    return { salt: salt!, nonce: nonce!, bytes: bytes! };
  } catch (error) {
    throw invalid(what, error instanceof Error ? error.message : String(error));
  }
}

async function sealingKey(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { N: COST, r: BLOCK_SIZE, p: 1, maxmem: 256 * COST * BLOCK_SIZE };
  scrypt(passphrase.normalize('NFKC'), salt, 32, options, (error, key) =>
    error ? reject(error) : resolve(key),
  );
  return promise;
}

async function writeSecret(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason }, { cause: error });
  }
}

async function readSecret(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new PyrsiaError('NOT_FOUND', { what: path });
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw invalid(path, `others may read it: chmod 600 ${path}`);
  if (found.size > FILE_LIMIT) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: path, limit: FILE_LIMIT });
  return readFile(path, 'utf8');
}
