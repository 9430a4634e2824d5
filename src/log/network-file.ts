/**
 * The one file that makes a network: a policy (c2sp.org/tlog-policy) whose comments say what a policy has no line for. Other
 * people's tools read it as it stands.
 *
 * ```
 * # pyrsia network <the network's key>
 * # pyrsia observer <organisation> <the key of its attestations>
 * # pyrsia private
 * log <key> <url>
 * witness <organisation> <key> <url>
 * group authorities <quorum> <organisation> …
 * quorum authorities
 * # pyrsia signature <base64>
 * ```
 *
 * The last line is the signature of the network's key over everything above it.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { formatVerifierKey, isKeyName, parseVerifierKey, type Signer, type Verifier } from './keys.ts';
import { decodeBase64, decodeText, encodeBase64, invalid } from './text.ts';

/** The most bytes of a network file: 256 KiB, as of a policy. */
export const NETWORK_LIMIT = 256 * 2 ** 10;

/** One organisation's node, as its public card tells of it. */
export interface Card {
  /** The one vote is this organisation's. */
  readonly organisation: string;
  readonly url: string;
  /** With which it signs a log of its own. */
  readonly log: Verifier;
  readonly cosign: Verifier;
  readonly attest: Verifier;
}

/** How many of `n` organisations make a checkpoint final: ⌊2n/3⌋ + 1. */
export function quorumOf(n: number): number {
  return Math.floor((2 * n) / 3) + 1;
}

/**
 * Writes a network file. The first authority's log is the network's; in a `private` one peers speak with members only.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` where an organisation, or a key, is there twice
 */
export function formatNetwork(
  authorities: readonly Card[],
  by: Signer,
  { private: isPrivate = false }: { readonly private?: boolean } = {},
): string {
  const [first] = authorities;
  const what = 'the network';
  if (first === undefined) throw invalid(what, 'it has no authority');
  const once = (texts: readonly string[], name: string): void => {
    const twice = texts.find((text, i) => texts.indexOf(text) !== i);
    if (twice !== undefined) throw invalid(what, `${name} ${twice} is there twice`);
  };
  once(
    authorities.map(({ organisation }) => organisation),
    'the organisation',
  );
  once(
    [by.verifier, first.log, ...authorities.flatMap(({ cosign, attest }) => [cosign, attest])].map(
      ({ publicKey }) => encodeBase64(publicKey),
    ),
    'the key',
  );
  const odd = authorities.find(({ organisation }) => !isKeyName(organisation) || organisation === 'none');
  if (odd) throw invalid(what, `an organisation cannot be called ${JSON.stringify(odd.organisation)}`);
  const names = authorities.map(({ organisation }) => organisation);
  const text = [
    `# pyrsia network ${formatVerifierKey(by.verifier)}`,
    ...authorities.map(
      ({ organisation, attest }) => `# pyrsia observer ${organisation} ${formatVerifierKey(attest)}`,
    ),
    ...(isPrivate ? ['# pyrsia private'] : []),
    `log ${formatVerifierKey(first.log)} ${first.url}`,
    ...authorities.map(
      ({ organisation, cosign, url }) => `witness ${organisation} ${formatVerifierKey(cosign)} ${url}`,
    ),
    `group authorities ${quorumOf(names.length)} ${names.join(' ')}`,
    'quorum authorities',
    '',
  ].join('\n');
  return `${text}${SIGNATURE}${encodeBase64(by.sign(text, 0n))}\n`;
}

/**
 * The key that a network file is signed by: who it is of is for the user to know.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`, or `NOT_PROVEN` for another signature
 */
export function networkKeyOf(bytes: Uint8Array, what = 'the network file'): Verifier {
  const text = decodeText(bytes, what, NETWORK_LIMIT);
  const [, vkey] = /^# pyrsia network (\S+)\n/.exec(text) ?? [];
  if (vkey === undefined) throw invalid(what, 'its first line does not name the key of a network');
  const at = text.lastIndexOf(`\n${SIGNATURE}`) + 1;
  const signature = decodeBase64(text.slice(at + SIGNATURE.length, -1));
  if (at === 0 || !text.endsWith('\n') || signature === undefined)
    throw invalid(what, 'its last line is not the signature of its key');
  const key = parseVerifierKey(vkey);
  if (key.type !== 'ed25519' || key.check(text.slice(0, at), signature) === undefined)
    throw new PyrsiaError('NOT_PROVEN', { what, reason: `it is not signed by its key ${key.name}` });
  return key;
}

/**
 * Reads the public card of an authority: one `keyword value` a line. Further keywords are for others.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function parseCard(bytes: Uint8Array, what: string): Card {
  const lines = decodeText(bytes, what, NETWORK_LIMIT).split('\n');
  const said = (keyword: string): string => {
    const found = lines.flatMap((line) =>
      line.startsWith(`${keyword} `) ? line.slice(keyword.length + 1) : [],
    );
    if (found.length !== 1) throw invalid(what, `it has no line "${keyword}", or several`);
    return found[0]!;
  };
  const key = (keyword: string, type: Verifier['type']): Verifier => {
    const verifier = parseVerifierKey(said(keyword));
    if (verifier.type !== type) throw invalid(what, `its key "${keyword}" is one for ${verifier.type}`);
    return verifier;
  };
  const url = said('url');
  if (!URL.canParse(url) || /\s/.test(url)) throw invalid(what, 'its url is none');
  return {
    organisation: said('organisation'),
    url,
    log: key('log', 'ed25519'),
    cosign: key('cosign', 'cosignature/v1'),
    attest: key('attest', 'ed25519'),
  };
}

const SIGNATURE = '# pyrsia signature ';
