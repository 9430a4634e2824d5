/**
 * What is refused because it is not what was known of it.
 *
 * @module
 */
import type { Binding } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import { contradiction, isDigest } from '../content/digest.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Expectation } from '../verify/expect.ts';
import type { LogWord } from '../verify/logged.ts';
import type { ArtifactRequest, Contradiction } from './artifact-service.ts';
import type { Asker } from './asker.ts';
import { declaresNow } from './declared.ts';
import type { DocumentService } from './documents.ts';

/** Two words that contradict each other. */
export type Contradicted = Expectation & { readonly kind: 'contradicted' };

/** Refusals. */
export interface Refusing {
  /** Refuses. A change can be accepted when it is the registry's: a lockfile may say anything. */
  refuse(this: void, asker: Asker, asked: ArtifactRequest, found: Contradicted): Promise<never>;
  /** Throws what it means that the bytes could not be had: a refusal, where they contradict those seen before. */
  refuseChange(
    this: void,
    asker: Asker,
    asked: ArtifactRequest,
    known: Binding | undefined,
    error: unknown,
  ): Promise<never>;
}

/** Refuses, and tells `onContradiction` of what `trust accept` could lift. */
export function openRefusing(parts: {
  readonly documents: DocumentService;
  readonly now: () => number;
  readonly onContradiction: (found: Contradiction) => void;
  readonly log?: LogWord;
}): Refusing {
  const { documents, now, log } = parts;

  async function refuse(asker: Asker, asked: ArtifactRequest, found: Contradicted): Promise<never> {
    const { expected, actual, by } = found;
    const { coordinates } = asked;
    let { against } = found;
    const isChange = by === 'the bytes seen before';
    if (isChange && against === 'the lockfile' && (await declaresNow(documents, asker, asked, actual)))
      against = 'the registry';
    const acceptable = isChange && against !== 'the lockfile';
    if (acceptable) {
      const { name: upstream, public: isPublic } = asker.upstream;
      parts.onContradiction({ upstream, coordinates, expected, actual, private: !isPublic, at: now() });
    }
    const purl = purlOf(coordinates);
    const told = { purl, expected, actual, by, against, acceptable };
    const entry = by === 'the log' ? asked.logged?.entry : undefined;
    if (entry === undefined) throw new PyrsiaError('CONTRADICTED', told);
    const proof = await log?.prove({ purl, digest: expected, entry }, asker.offline !== undefined);
    throw new PyrsiaError('CONTRADICTED', { ...told, entry, ...(proof !== undefined && { proof }) });
  }

  async function refuseChange(
    asker: Asker,
    asked: ArtifactRequest,
    known: Binding | undefined,
    error: unknown,
  ): Promise<never> {
    if (isPyrsiaError(error, 'DIGEST_MISMATCH') && isDigest(error.details.actual)) {
      const { actual } = error.details;
      const other = asked.logged && contradiction([asked.logged.digest], [actual]);
      if (other)
        await refuse(asker, asked, {
          kind: 'contradicted',
          by: 'the log',
          against: 'the bytes that came',
          ...other,
        });
      if (!known) throw error;
      const changed = contradiction(known.digests, [actual]);
      const [by, against] = ['the bytes seen before', 'the bytes that came'] as const;
      if (changed) await refuse(asker, asked, { kind: 'contradicted', by, against, ...changed });
    }
    throw error;
  }

  return { refuse, refuseChange };
}
