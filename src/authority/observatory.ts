/**
 * Several authorities look at one artifact, each by itself; whoever was asked compares what they have seen, and writes it
 * down with their signatures: as an observation where as many as the network asks for have seen the same, as a dispute where
 * they have seen different bytes.
 *
 * @module
 */
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { formatEntry, parseEntry } from '../log/entry.ts';
import type { Signer } from '../log/keys.ts';
import { agreed, type Network } from '../log/network.ts';
import { formatNote, openNote, parseNote, signText } from '../log/note.ts';
import {
  disputeStatement,
  observe,
  type Observation,
  observersOf,
  observeStatement,
  type Sighting,
} from '../log/observation.ts';
import { decodeNumber, decodeText, invalid } from '../log/text.ts';
import type { Clock } from './clock.ts';
import { type Eyes, type PublicArtifact, publicArtifact } from './observing.ts';
import type { Where } from './said.ts';

/** How far the time at which something is said to be seen may be from this machine's, in seconds: 5 min. */
const APART_LIMIT = 5 * 60;

/** The most bytes of a request to observe. */
const REQUEST_LIMIT = 8 * 2 ** 10;

const HEADER = 'pyrsia.io/observe/v1';

/** Another authority, asked to look. */
export interface AskedObserver {
  readonly organisation: string;
  /** Its answer: an observation with its own signature alone. Rejects as it failed. */
  ask(this: void, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** What is written down of what was seen. */
export interface Findings {
  /** The entries, the observation first where there is one. */
  readonly entries: readonly Uint8Array[];
  /** Of those asked, who did not answer, and why. */
  readonly missing: ReadonlyMap<string, string>;
}

/** Observes. */
export interface Observatory {
  /** What this authority sees, signed: the answer to another's request. Rejects as {@link Eyes.look}, or with `NOT_PROVEN`. */
  answer(this: void, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * What enough authorities see. This one looks first: of what its upstream has not nobody else is asked.
   *
   * Rejects with `NOT_FOUND`, with what it failed with, and with `NOT_PROVEN` when too few answered.
   */
  gather(this: void, artifact: PublicArtifact, signal: AbortSignal): Promise<Findings>;
}

/** Opens the observatory of one authority. */
export function openObservatory(options: {
  readonly network: Network;
  readonly signer: Signer;
  readonly eyes: Eyes;
  readonly others: readonly AskedObserver[];
  readonly clock: Clock;
}): Observatory {
  const { network, signer, eyes, others, clock } = options;
  const known = network.observers.map(({ verifier }) => verifier);
  const now = (): number => Math.floor(clock.now() / 1000);

  const look = async (
    artifact: PublicArtifact,
    observedAt: number,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const sighting = { ...(await eyes.look(artifact, signal)), observedAt };
    return { ...artifact.where, ...sighting, observers: [observe(artifact.where, sighting, signer)] };
  };

  /** One other's sighting; it counts only if it is about the same, and signed by that organisation. */
  const asked = async (
    { organisation, ask }: AskedObserver,
    { where }: PublicArtifact,
    observedAt: number,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const text = requestText(where.purl, observedAt);
    const request = formatNote({ text, signatures: [signText(text, signer, 0n)] });
    const entry = parseEntry(await ask(Buffer.from(request), signal), `the answer of ${organisation}`);
    if (entry.kind !== 'observe') throw invalid(`the answer of ${organisation}`, 'it is no observation');
    const { observation } = entry;
    const theirs = network.observers.filter((each) => each.organisation === organisation);
    const signed = observersOf(
      observation,
      observation,
      theirs.map(({ verifier }) => verifier),
    );
    const isSame =
      observation.purl === where.purl &&
      observation.upstream === where.upstream &&
      observation.file === where.file &&
      observation.observedAt === observedAt;
    if (!isSame || signed.length === 0 || observation.observers.length !== 1)
      throw invalid(`the answer of ${organisation}`, 'it is about something else, or not signed');
    return observation;
  };

  return {
    async answer(request, signal) {
      const { purl, observedAt } = requestIn(request, known);
      if (Math.abs(observedAt - now()) > APART_LIMIT)
        throw new PyrsiaError('NOT_PROVEN', {
          what: 'the request',
          reason: `its time is more than ${APART_LIMIT} s from ours`,
        });
      return formatEntry(observeStatement(await look(await publicArtifact(purl), observedAt, signal)));
    },

    async gather(artifact, signal) {
      const observedAt = now();
      const seen: Observation[] = [];
      const missing = new Map<string, string>();
      const failed = (name: string, error: unknown): void => {
        signal.throwIfAborted();
        missing.set(name, error instanceof Error ? error.message : String(error));
      };
      let own: Error | undefined;
      try {
        seen.push(await look(artifact, observedAt, signal));
      } catch (error) {
        if (isPyrsiaError(error, 'NOT_FOUND') || isPyrsiaError(error, 'CREDENTIALS_NEEDED')) throw error;
        failed(signer.verifier.name, error);
        if (error instanceof Error) own = error;
      }
      const rest = rotated(others, artifact.where.purl);
      while (!isAgreed(network, seen) && rest.length > 0) {
        // As many at once as are still wanting, if all of them see the same.
        const some = rest.splice(0, least(network, seen, rest));
        await Promise.all(
          some.map(async (each) => {
            try {
              seen.push(await asked(each, artifact, observedAt, signal));
            } catch (error) {
              failed(each.organisation, error);
            }
          }),
        );
      }
      const entries = written(network, artifact.where, seen);
      if (entries.length > 0) return { entries, missing };
      if (seen.length === 0 && own !== undefined) throw own;
      throw new PyrsiaError('NOT_PROVEN', {
        what: artifact.where.purl,
        reason: `too few authorities could look at it (${[...missing].map(([name, why]) => `${name}: ${why}`).join('; ')})`,
      });
    },
  };
}

/** The entries that tell of what was seen: none where too few have seen anything. */
function written(network: Network, where: Where, seen: readonly Observation[]): Uint8Array[] {
  const groups = grouped(seen);
  const entries = groups
    .filter((group) => isSigned(network, group.observers))
    .map((group) => formatEntry(observeStatement({ ...where, ...group })));
  if (
    groups.length < 2 ||
    !isSigned(
      network,
      groups.flatMap(({ observers }) => observers),
    )
  )
    return entries;
  return [...entries, formatEntry(disputeStatement({ ...where, seen: groups }))];
}

/** Those who have seen the same, together. */
function grouped(seen: readonly Observation[]): Sighting[] {
  const groups = new Map<string, Sighting>();
  for (const { digest, size, mediaType, observedAt, chunks, observers } of seen) {
    const key = JSON.stringify([
      digest['sha256'],
      digest['sha512'],
      size,
      mediaType,
      chunks.size,
      chunks.root,
    ]);
    const before = groups.get(key);
    const all = [...(before?.observers ?? []), ...observers].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    groups.set(key, { digest, size, mediaType, observedAt, chunks, observers: all });
  }
  const bySize = [...groups.values()].toSorted((a, b) => b.observers.length - a.observers.length);
  // What has one sha256 has one size and one tree: who says otherwise of it is left out.
  return bySize.filter(
    ({ digest }, i) => bySize.findIndex((each) => each.digest['sha256'] === digest['sha256']) === i,
  );
}

function isAgreed(network: Network, seen: readonly Observation[]): boolean {
  return grouped(seen).some(({ observers }) => isSigned(network, observers));
}

function isSigned(network: Network, observers: Sighting['observers']): boolean {
  const verifiers = network.observers.map(({ verifier }) => verifier);
  const signed = verifiers.filter(({ name, id }) =>
    observers.some((each) => each.name === name && each.id === id),
  );
  return agreed(network, signed);
}

/** How many more there have to be at least: as few as would be enough if they saw what most have seen. */
function least(network: Network, seen: readonly Observation[], rest: readonly AskedObserver[]): number {
  const [most] = grouped(seen);
  const has = network.observers.filter(({ verifier }) =>
    most?.observers.some(({ name, id }) => name === verifier.name && id === verifier.id),
  );
  for (let count = 1; count < rest.length; count++) {
    const more = network.observers.filter(({ organisation }) =>
      rest.slice(0, count).some((each) => each.organisation === organisation),
    );
    if (
      agreed(
        network,
        [...has, ...more].map(({ verifier }) => verifier),
      )
    )
      return count;
  }
  return rest.length;
}

/** The same list, begun elsewhere for each name: so everybody is asked as often as others are. */
function rotated<T>(list: readonly T[], name: string): T[] {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) % 1_000_003;
  const start = list.length === 0 ? 0 : sum % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

function requestText(purl: string, observedAt: number): string {
  return `${HEADER}\n${purl}\n${observedAt}\n`;
}

/** What a known authority asks to be looked at. @throws PyrsiaError `DOCUMENT_INVALID`, `NOT_PROVEN` */
function requestIn(
  bytes: Uint8Array,
  known: Parameters<typeof openNote>[1],
): { purl: string; observedAt: number } {
  const what = 'the request';
  const note = parseNote(decodeText(bytes, what, REQUEST_LIMIT), what);
  if (openNote(note, known, what).length === 0)
    throw new PyrsiaError('NOT_PROVEN', { what, reason: 'no authority of this network has signed it' });
  const [header, purl = '', time = '', end, ...others] = note.text.split('\n');
  const observedAt = decodeNumber(time);
  if (header !== HEADER || observedAt === undefined || end !== '' || others.length > 0)
    throw invalid(what, 'it is no request to observe');
  return { purl, observedAt: Number(observedAt) };
}
