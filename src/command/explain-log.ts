/**
 * What the log says of an artifact, with all that somebody else needs to check it.
 *
 * @module
 */
import { isPyrsiaError } from '../errors.ts';
import { formatVerifierKey } from '../log/keys.ts';
import { timeText } from '../log/shape.ts';
import type { Explanation } from '../resolve/explain.ts';
import type { Session } from '../session.ts';
import { evidenceFor } from '../trust/evidence-files.ts';
import { openLookUps } from '../trust/look-ups.ts';
import { networkOf, networkPath, placesOf } from '../trust/network-of.ts';
import type { Finding } from '../verify/logged.ts';
import { openOwnLog, type OwnLog } from './own-log.ts';

/** Somebody else's program that reads a whole log: every entry, every hash, the log's signature. */
const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4';

/** What the log says of an artifact. */
export interface ExplainedLog {
  readonly says: Finding['kind'] | 'not asked';
  /** Why it is not known what it says. */
  readonly reason?: string;
  readonly origin?: string;
  readonly entry?: number;
  /** Of what is logged: the digest, who saw it, when, and at which registry. */
  readonly digest?: string;
  readonly observers?: readonly string[];
  readonly observedAt?: string;
  readonly upstream?: string;
  /** Of what is disputed: what was seen. */
  readonly digests?: readonly string[];
  /** The file with the proof, and that with the entry. */
  readonly proof?: string;
  readonly entryFile?: string;
  /** Commands that check it: ours, which needs no network, and somebody else's. */
  readonly check?: readonly string[];
}

/** What the log says of each; what is private is not looked for. */
export async function explainLog(
  session: Session,
  explanations: readonly Pick<Explanation, 'purl' | 'private'>[],
): Promise<ExplainedLog[]> {
  if (networkOf(session.paths) === undefined)
    return explanations.map(() => notAsked('no network is configured'));
  await using own = await openOwnLog(session);
  const looks = openLookUps(own.client, Date.now);
  await looks.lookUp(explanations.flatMap((each) => (each.private ? [] : [each.purl])));
  return await Promise.all(
    explanations.map(async (each) =>
      each.private ? notAsked('private') : explained(session, own, each.purl, looks.finding(each.purl)),
    ),
  );
}

function notAsked(reason: string): ExplainedLog {
  return { says: 'not asked', reason };
}

async function explained(
  session: Session,
  { client }: OwnLog,
  purl: string,
  finding: Finding,
): Promise<ExplainedLog> {
  const { kind: says, ...told } = finding;
  const { network } = client;
  const { origin } = network;
  if (finding.kind !== 'logged') return { says, origin, ...told };
  try {
    const evidence = await evidenceFor(client, { purl, ...finding });
    const { proofFile, entryFile } = evidence;
    const policy = networkPath(session.paths);
    const key = formatVerifierKey(network.policy.logs[0]!.verifier);
    return {
      says,
      origin,
      ...told,
      observers: evidence.observers,
      observedAt: timeText(evidence.observedAt),
      upstream: evidence.upstream,
      proof: proofFile,
      entryFile,
      check: [
        `pyrsia log verify ${quoted(proofFile)} --entry ${quoted(entryFile)} --policy ${quoted(policy)}`,
        `echo '${key}' > log.vkey && go run ${FSCK} --ui=false --public_key=log.vkey --storage_url=${placesOf(network)[0]}`,
      ],
    };
  } catch (error) {
    if (!isPyrsiaError(error)) throw error;
    return { says, origin, ...told, reason: `its proof cannot be had: ${error.message}` };
  }
}

/** {@link ExplainedLog} in rows. */
export function logRows(log: ExplainedLog): (readonly [string, string | undefined])[] {
  const { says, reason, origin, entry, observers, observedAt, upstream, digests, proof, check = [] } = log;
  const where = entry === undefined ? '' : `, entry ${entry} of ${origin}`;
  return [
    ['log', `${says}${where}${reason === undefined ? '' : `: ${reason}`}`],
    ['observed', observers && `by ${observers.join(', ')} at ${upstream} on ${observedAt}`],
    ...(digests ?? []).map((digest) => ['seen', digest] as const),
    ['proof', proof],
    ...check.map((command) => ['check with', command] as const),
  ];
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
