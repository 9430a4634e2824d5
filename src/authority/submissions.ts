/**
 * What an authority is asked for over HTTP about artifacts and entries, as answers.
 *
 * @module
 */
import { type ErrorCode, isPyrsiaError } from '../errors.ts';
import { parseEntry } from '../log/entry.ts';
import { isRecord } from '../log/shape.ts';
import { decodeText, invalid } from '../log/text.ts';
import type { Allowances } from './allowance.ts';
import type { Observatory } from './observatory.ts';
import { type PublicArtifact, publicArtifact } from './observing.ts';
import type { Said, Told } from './said.ts';
import type { Answered, Posted } from './server.ts';

/** The most bytes of a submission. */
const SUBMISSION_LIMIT = 4 * 2 ** 10;

/** How long a submitter waits for an entry to be final, in milliseconds: 60 s. */
const FINAL_MS = 60_000;

/** How long what may change is not looked at again, in seconds: a minute. */
const FRESH = 60;

/** What was written down of an artifact, as JSON. */
export interface Submitted {
  readonly entry: number;
  readonly kind: 'observe' | 'dispute';
  readonly purl: string;
  /** Of a dispute, all that were seen, with a blank between. */
  readonly sha256: string;
  /** The entry that says that some have seen other bytes. */
  readonly dispute?: number;
}

/** What submissions go by. */
export interface SubmissionParts {
  readonly said: Said;
  readonly observatory: Observatory;
  readonly allowances: Allowances;
  readonly mayChange: (purl: string) => boolean;
  /** Has an entry ordered, wherever that is done; resolves to its index when it is final. */
  readonly add: (entry: Uint8Array, signal: AbortSignal) => Promise<bigint>;
  /** Resolves when so many entries are final, as far as this authority can know. */
  readonly reached: (size: bigint) => Promise<void>;
  readonly now: () => number;
}

/** The answers to `entry`, `observe` and `submit`. */
export function openSubmissions(
  parts: SubmissionParts,
): ReadonlyMap<'entry' | 'observe' | 'submit', (posted: Posted) => Promise<Answered>> {
  const { said, observatory, allowances } = parts;
  /** By package URL: what several ask for at once is looked at once. */
  const under = new Map<string, Promise<Submitted>>();

  const submitted = async (artifact: PublicArtifact): Promise<Submitted> => {
    const { purl } = artifact.where;
    const signal = AbortSignal.timeout(FINAL_MS);
    const { entries } = await observatory.gather(artifact, signal);
    const told: Submitted[] = [];
    for (const entry of entries) {
      const read = parseEntry(entry);
      if (read.kind !== 'observe' && read.kind !== 'dispute') continue;
      try {
        const index = Number(await parts.add(entry, signal));
        const sha256 =
          read.kind === 'observe'
            ? read.observation.digest['sha256']!
            : read.dispute.seen.map(({ digest }) => digest['sha256']!).join(' ');
        told.push({ entry: index, kind: read.kind, purl, sha256 });
      } catch (error) {
        // Somebody else was quicker, or what may change has not.
        const before = said.newest(read.kind, artifact.where);
        if (!isPyrsiaError(error, 'NOT_PROVEN') || before === undefined) throw error;
        told.push(toldOf(read.kind, purl, before));
      }
    }
    const [first, second] = told;
    return { ...first!, ...(second && { dispute: second.entry }) };
  };

  const submit = async ({ body, from }: Posted): Promise<Answered> => {
    const artifact = await publicArtifact(purlIn(body));
    const { where } = artifact;
    const before = said.newest('observe', where);
    if (before !== undefined) {
      const isFresh = before.observedAt > parts.now() / 1000 - FRESH;
      if (isFresh || !parts.mayChange(where.purl)) {
        await parts.reached(before.entry + 1n);
        return json(200, toldOf('observe', where.purl, before));
      }
    }
    let flight = under.get(where.purl);
    if (flight === undefined) {
      const waitS = allowances.take(from);
      if (waitS > 0)
        return {
          status: 429,
          headers: { 'retry-after': String(waitS) },
          body: 'You have asked for as much as one may in an hour\n',
        };
      flight = submitted(artifact).finally(() => under.delete(where.purl));
      under.set(where.purl, flight);
    }
    return json(200, await flight);
  };

  return new Map([
    [
      'entry',
      answering(async ({ body, signal }) => {
        const late = AbortSignal.any([signal, AbortSignal.timeout(FINAL_MS)]);
        return json(200, { entry: Number(await parts.add(body, late)) });
      }),
    ],
    [
      'observe',
      answering(async ({ body, signal }) => ({
        status: 200,
        type: 'application/json',
        body: Buffer.from(await observatory.answer(body, signal)).toString(),
      })),
    ],
    ['submit', answering(submit)],
  ] as const);
}

function toldOf(kind: 'observe' | 'dispute', purl: string, { entry, sha256 }: Told): Submitted {
  return { entry: Number(entry), kind, purl, sha256 };
}

function purlIn(body: Uint8Array): string {
  const what = 'the submission';
  const text = decodeText(body, what, SUBMISSION_LIMIT);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(what, 'it is no JSON');
  }
  if (!isRecord(value) || typeof value['purl'] !== 'string') throw invalid(what, 'expected {"purl": "…"}');
  return value['purl'];
}

function json(status: number, value: object): Answered {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

/** An answer also where there is none. */
function answering(answer: (posted: Posted) => Promise<Answered>): (posted: Posted) => Promise<Answered> {
  return async (posted) => {
    try {
      return await answer(posted);
    } catch (error) {
      if (isPyrsiaError(error)) return { status: STATUS[error.code] ?? 422, body: `${error.message}\n` };
      if (error instanceof Error && error.name === 'TimeoutError')
        return { status: 503, body: 'It is not final yet; what is missing stands at "status"\n' };
      throw error;
    }
  };
}

/** Of what code an error's HTTP status is; 422 of any other. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  BLOCKED: 403,
  CREDENTIALS_NEEDED: 403,
  UPSTREAM_FAILED: 503,
  AGENT_REFUSED: 503,
  DOCUMENT_TOO_LARGE: 413,
};
