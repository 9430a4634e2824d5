/**
 * Whom a client believes: {@link https://c2sp.org/tlog-policy | c2sp.org/tlog-policy}. Logs, those who watch them, and
 * how many of these must have cosigned a checkpoint.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { parseVerifierKey, type SignatureType, type Verifier } from './keys.ts';
import { openNote, type Signed } from './note.ts';
import { invalid } from './text.ts';

/** The most bytes of a policy: 256 KiB. */
const POLICY_LIMIT = 256 * 2 ** 10;

/** A log or a witness of a policy. */
export interface Party {
  readonly verifier: Verifier;
  readonly url: string | undefined;
}

/** A witness, or a group of which `least` members must agree. */
type Member = Party | Group;
interface Group {
  readonly least: number;
  readonly members: readonly Member[];
}

/** Whom to believe. */
export interface Policy {
  readonly logs: readonly Party[];
  /** By the names that the policy calls them. */
  readonly witnesses: ReadonlyMap<string, Party>;
  /** Undefined: no cosignature is needed. */
  readonly quorum: Member | undefined;
}

/** A checkpoint that satisfies a policy. */
export interface ProvenCheckpoint extends Checkpoint {
  /** The log's key that signed it. */
  readonly log: Verifier;
  /** Those witnesses of the policy who have cosigned, and when. */
  readonly cosignatures: readonly Signed[];
}

/** A policy of one log that nobody need have cosigned. */
export function policyOf(log: Verifier): Policy {
  return { logs: [{ verifier: log, url: undefined }], witnesses: new Map(), quorum: undefined };
}

/**
 * Reads a policy file. Its names are octets, compared as such.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` with the line, or `DOCUMENT_TOO_LARGE`.
 */
export function parsePolicy(bytes: Uint8Array, what = 'the policy'): Policy {
  if (bytes.byteLength > POLICY_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit: POLICY_LIMIT });
  const text = Buffer.from(bytes).toString('latin1');
  const logs: Party[] = [];
  const witnesses = new Map<string, Party>();
  const names = new Map<string, Member>();
  const grouped = new Set<string>();
  let quorum: { readonly of: Member | undefined } | undefined;

  for (const [i, line] of text.split('\n').entries()) {
    const wrong = (reason: string): PyrsiaError => invalid(what, `line ${i + 1}: ${reason}`);
    if (/[^\t -~\u0080-\u00FF]/.test(line)) throw wrong('it has control characters');
    const [keyword, ...words] = line.split(/[ \t]+/).filter(Boolean);
    if (keyword === undefined || keyword.startsWith('#')) continue;

    const party = (
      type: SignatureType,
      key: string,
      url: string | undefined,
      others: Iterable<Party>,
    ): Party => {
      const verifier = verifierIn(key, wrong);
      if (verifier.type !== type)
        throw wrong(`expected a key for ${type} signatures, got one for ${verifier.type}`);
      for (const other of others) {
        if (Buffer.compare(other.verifier.publicKey, verifier.publicKey) === 0)
          throw wrong(`the key of ${verifier.name} is there twice`);
      }
      return { verifier, url: url && utf8(url) };
    };
    const define = (name: string, member: Member): void => {
      if (name === 'none' || names.has(name)) throw wrong(`${shown(name)} is defined twice`);
      names.set(name, member);
    };
    const named = (name: string): Member => {
      const member = names.get(name);
      if (member === undefined) throw wrong(`${shown(name)} is not defined above it`);
      return member;
    };

    switch (keyword) {
      case 'log': {
        const [key, url] = counted(words, 1, 2, wrong, 'log <key> [<url>]');
        logs.push(party('ed25519', key!, url, logs));
        break;
      }
      case 'witness': {
        const [name, key, url] = counted(words, 2, 3, wrong, 'witness <name> <key> [<url>]');
        const witness = party('cosignature/v1', key!, url, witnesses.values());
        define(name!, witness);
        witnesses.set(utf8(name!), witness);
        break;
      }
      case 'group': {
        const usage = 'group <name> <all, any or a number> <name>…';
        const [name, threshold, ...members] = counted(words, 3, Infinity, wrong, usage);
        for (const member of members) {
          if (grouped.has(member)) throw wrong(`${shown(member)} is already a member of a group`);
          grouped.add(member);
        }
        define(name!, { least: leastOf(threshold!, members.length, wrong), members: members.map(named) });
        break;
      }
      case 'quorum': {
        const [name] = counted(words, 1, 1, wrong, 'quorum <name>');
        if (quorum !== undefined) throw wrong('there is a second quorum');
        quorum = { of: name === 'none' ? undefined : named(name!) };
        break;
      }
      default:
        throw wrong(`expected log, witness, group or quorum, got ${shown(keyword)}`);
    }
  }
  if (quorum === undefined) throw invalid(what, 'it has no line "quorum"');
  return { logs, witnesses, quorum: quorum.of };
}

/**
 * Reads a checkpoint that anybody may have sent, and whether to believe it.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`, or `NOT_PROVEN` when no log of the policy has signed it under its own name,
 * the quorum is missed, or any signature of a known key is wrong.
 */
export function provenCheckpoint(text: string, policy: Policy, what = 'the checkpoint'): ProvenCheckpoint {
  const checkpoint = parseCheckpoint(text, what);
  const parties = [...policy.logs, ...policy.witnesses.values()];
  const signed = openNote(
    checkpoint.note,
    parties.map(({ verifier }) => verifier),
    what,
  );
  const log = signed.find(
    ({ by }) => by.name === checkpoint.origin && policy.logs.some(({ verifier }) => verifier === by),
  );
  if (log === undefined)
    throw new PyrsiaError('NOT_PROVEN', {
      what,
      reason: `no known key of a log ${JSON.stringify(checkpoint.origin)} has signed it`,
    });
  const cosignatures = signed.filter(({ by }) => by.type === 'cosignature/v1');
  if (policy.quorum !== undefined && !agrees(policy.quorum, new Set(cosignatures.map(({ by }) => by))))
    throw new PyrsiaError('NOT_PROVEN', {
      what,
      reason: `${cosignatures.length} of ${policy.witnesses.size} known witnesses have cosigned it, fewer than the policy asks for`,
    });
  return { ...checkpoint, log: log.by, cosignatures };
}

/** Whether those who signed are as many as this member of a policy asks for. */
export function agrees(member: Member, cosigners: ReadonlySet<Verifier>): boolean {
  if ('verifier' in member) return cosigners.has(member.verifier);
  return member.members.filter((each) => agrees(each, cosigners)).length >= member.least;
}

function leastOf(threshold: string, count: number, wrong: (reason: string) => PyrsiaError): number {
  if (threshold === 'any') return 1;
  if (threshold === 'all') return count;
  const least = /^[1-9][0-9]{0,5}$/.test(threshold) ? Number(threshold) : 0;
  if (least < 1 || least > count)
    throw wrong(`expected a number from 1 to ${count}, got ${shown(threshold)}`);
  return least;
}

function counted(
  words: readonly string[],
  least: number,
  most: number,
  wrong: (reason: string) => PyrsiaError,
  usage: string,
): readonly string[] {
  if (words.length < least || words.length > most) throw wrong(`expected ${usage}`);
  return words;
}

function verifierIn(key: string, wrong: (reason: string) => PyrsiaError): Verifier {
  try {
    return parseVerifierKey(utf8(key));
  } catch (error) {
    if (error instanceof PyrsiaError) throw wrong(error.message);
    throw error;
  }
}

/** As much of a name as a message needs. */
function shown(octets: string): string {
  return utf8(octets).slice(0, 100);
}

/** Octets that were read one by one, as the text that they are meant to be. */
function utf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
