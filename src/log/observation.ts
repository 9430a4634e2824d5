/**
 * What independent nodes saw of a public artifact.
 *
 * Each of them signs the observation without the list of observers, in DSSE's framing, with its attestation key: an
 * Ed25519 key of a signed note's kind, so that its name and ID say whose it is.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import type { Signer, Verifier } from './keys.ts';
import {
  base64In,
  countIn,
  hexIn,
  type JsonObject,
  listIn,
  membersOf,
  textIn,
  timeIn,
  timeText,
  wrong,
  digestsIn,
} from './shape.ts';
import { canonicalText, predicateTypes, type Statement, statementOf, type Subject } from './statement.ts';
import { encodeBase64 } from './text.ts';

/** Bytes, seen. */
export interface Sighting {
  /** Hex, by algorithm; sha256 is always there. */
  readonly digest: Readonly<Record<string, string>>;
  /** In bytes. */
  readonly size: number;
  readonly mediaType: string;
  /** In seconds since 1970. */
  readonly observedAt: number;
  /** The bytes' own Merkle tree (RFC 6962) over chunks of `size` bytes; its root in hex. */
  readonly chunks: { readonly size: number; readonly root: string };
  readonly observers: readonly Observer[];
}

/** Who saw it. */
export interface Observer {
  /** The name of its key. */
  readonly name: string;
  readonly id: number;
  readonly signature: Uint8Array;
}

/** Where something was seen. */
interface Place {
  readonly purl: string;
  /** The public registry that was asked, as a URL in its canonical form. */
  readonly upstream: string;
  /** Which of the version's files, as upstream names it. */
  readonly file: string;
}

/** All observers saw the same bytes. */
export interface Observation extends Place, Sighting {}

/** Observers saw different bytes under the same coordinates. */
export interface Dispute extends Place {
  readonly seen: readonly Sighting[];
}

/** The statement of an observation, to be written as an entry. */
export function observeStatement(observation: Observation): Statement {
  const { observers } = observation;
  const statement = unsigned(observation, observation);
  return { ...statement, predicate: { ...statement.predicate, observers: observers.map(toldObserver) } };
}

/** The statement of a dispute. */
export function disputeStatement({ purl, upstream, file, seen }: Dispute): Statement {
  const subject = seen.map(({ digest }) => ({ name: purl, digest }));
  const predicate = {
    upstream,
    file,
    seen: seen.map((each) => ({
      ...toldSighting(each),
      digest: each.digest,
      observers: each.observers.map(toldObserver),
    })),
  };
  return statementOf(predicateTypes.dispute, subject, predicate);
}

/** Signs what was seen. */
export function observe(place: Place, sighting: Omit<Sighting, 'observers'>, signer: Signer): Observer {
  const { name, id } = signer.verifier;
  return { name, id, signature: signer.sign(observedText(place, sighting), 0n) };
}

/**
 * Which of the known nodes saw it, each once.
 *
 * @throws PyrsiaError `NOT_PROVEN` when what names a known key is not that key's signature.
 */
export function observersOf(place: Place, sighting: Sighting, known: readonly Verifier[]): Verifier[] {
  const text = observedText(place, sighting);
  const seen = new Set<Verifier>();
  for (const { name, id, signature } of sighting.observers) {
    const by = known.find((each) => each.name === name && each.id === id);
    if (by === undefined) continue;
    if (by.check(text, signature) === undefined)
      throw new PyrsiaError('NOT_PROVEN', {
        what: `the observation of ${place.purl}`,
        reason: `the signature of ${name} does not match`,
      });
    seen.add(by);
  }
  return [...seen];
}

/** Reads the predicate of an observation. */
export function readObservation(subjects: readonly Subject[], predicate: unknown): Observation {
  const [subject, ...others] = subjects;
  if (subject === undefined || others.length > 0) throw wrong('subject', 'one artifact');
  const members = membersOf(predicate, 'predicate', ['upstream', 'file', ...SIGHTING]);
  return { ...placeIn(subject.name, members), digest: subject.digest, ...sightingIn(members) };
}

/** Reads the predicate of a dispute. */
export function readDispute(subjects: readonly Subject[], predicate: unknown): Dispute {
  const members = membersOf(predicate, 'predicate', ['upstream', 'file', 'seen']);
  const seen = listIn(members, 'seen').map((each) => {
    const sighting = membersOf(each, 'seen', ['digest', ...SIGHTING]);
    return { digest: digestsIn(sighting, 'digest'), ...sightingIn(sighting) };
  });
  const digests = seen.map(({ digest }) => digest['sha256']);
  if (digests.length < 2 || new Set(digests).size < digests.length)
    throw wrong('seen', 'two or more that differ');
  const named = subjects.map(({ digest }) => digest['sha256']);
  if (new Set(subjects.map(({ name }) => name)).size > 1 || named.join() !== digests.join())
    throw wrong('subject', 'one artifact for each of those seen');
  return { ...placeIn(subjects[0]!.name, members), seen };
}

const SIGHTING = ['size', 'mediaType', 'observedAt', 'chunks', 'observers'] as const;

function placeIn(purl: string, members: JsonObject): Place {
  if (!purl.startsWith('pkg:')) throw wrong('the name of a subject', 'a package URL');
  return { purl, upstream: textIn(members, 'upstream'), file: textIn(members, 'file') };
}

function sightingIn(members: JsonObject): Omit<Sighting, 'digest'> {
  const chunks = membersOf(members['chunks'], 'chunks', ['size', 'root']);
  return {
    size: countIn(members, 'size'),
    mediaType: textIn(members, 'mediaType'),
    observedAt: timeIn(members, 'observedAt'),
    chunks: { size: countIn(chunks, 'size'), root: hexIn(chunks, 'root', 32) },
    observers: listIn(members, 'observers').map((each) => {
      const observer = membersOf(each, 'observers', ['name', 'signature']);
      const bytes = base64In(observer, 'signature');
      if (bytes.byteLength < 5) throw wrong('signature', 'a key ID and a signature');
      return {
        name: textIn(observer, 'name'),
        id: Buffer.from(bytes).readUInt32BE(0),
        signature: bytes.subarray(4),
      };
    }),
  };
}

function toldSighting({
  size,
  mediaType,
  observedAt,
  chunks,
}: Omit<Sighting, 'observers' | 'digest'>): JsonObject {
  return {
    size,
    mediaType,
    observedAt: timeText(observedAt),
    chunks: { size: chunks.size, root: chunks.root },
  };
}

function toldObserver({ name, id, signature }: Observer): JsonObject {
  const bytes = Buffer.alloc(4 + signature.byteLength);
  bytes.writeUInt32BE(id);
  bytes.set(signature, 4);
  return { name, signature: encodeBase64(bytes) };
}

function unsigned(
  { purl, upstream, file }: Place,
  sighting: Omit<Sighting, 'observers'>,
): Statement & { readonly predicate: JsonObject } {
  const predicate = { upstream, file, ...toldSighting(sighting) };
  return {
    ...statementOf(predicateTypes.observe, [{ name: purl, digest: sighting.digest }], predicate),
    predicate,
  };
}

/** PAE(type, body), {@link https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md | DSSE v1}. */
function observedText(place: Place, sighting: Omit<Sighting, 'observers'>): string {
  const type = 'application/vnd.in-toto+json';
  const body = canonicalText(unsigned(place, sighting));
  return `DSSEv1 ${type.length} ${type} ${Buffer.byteLength(body)} ${body}`;
}
