/**
 * What the registry itself says of an artifact that nobody but a lockfile, or nobody at all, has named a digest of.
 *
 * @module
 */
import { purlOf } from '../content/coordinates.ts';
import { contradiction } from '../content/digest.ts';
import { isPyrsiaError } from '../errors.ts';
import { expect, type Expectation, suffices } from '../verify/expect.ts';
import type { ArtifactRequest } from './artifact-service.ts';
import type { Asker } from './asker.ts';
import { declaredBy, isThere } from './declared.ts';
import type { DocumentService } from './documents.ts';
import type { Expected } from './fetching.ts';
import type { AskedPeers } from './peer-source.ts';
import type { Upstreams } from './upstream.ts';

const NOTHING: unique symbol = Symbol('nothing was said');

/** Asks registries. */
export interface RegistryWord {
  /** What is expected once the registry has been asked; undefined when it knows no such version. */
  bound(
    this: void,
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expected,
  ): Promise<Expectation | undefined>;
}

/** Asks `upstreams`, and where these cannot be asked for images, `peers`. */
export function openRegistryWord({
  documents,
  upstreams,
  peers,
}: {
  readonly documents: DocumentService;
  readonly upstreams: Pick<Upstreams, 'ask' | 'silence'>;
  readonly peers?: AskedPeers;
}): RegistryWord {
  /** Whether peers give it to everybody, so that it is nobody's secret under another name. */
  async function isPublicAnyway({ upstream, alone }: Asker, { wanted }: Expected): Promise<boolean> {
    return upstream.public && !alone && (await peers?.near(wanted)) !== undefined;
  }

  /** For what the address itself names. */
  async function shown(
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expected,
  ): Promise<Expectation | undefined> {
    try {
      if (await isThere(asker.ask ?? upstreams.ask, asker, asked))
        return { ...unbound, word: 'declared', by: 'the registry' };
      if (asker.offline === undefined) return undefined;
    } catch (error) {
      if (!isPyrsiaError(error, 'UPSTREAM_FAILED') || !(await isPublicAnyway(asker, unbound))) throw error;
      return unbound;
    }
    return (await isPublicAnyway(asker, unbound)) ? unbound : undefined;
  }

  /** The same, or undefined once it is clear that nobody answers: what is said later is held against the lockfile all the same. */
  async function heard(
    asker: Asker,
    { coordinates, claimed }: ArtifactRequest,
    saying: ReturnType<typeof declaredBy>,
  ): ReturnType<typeof declaredBy> {
    const over = new AbortController();
    const silence = upstreams.silence(asker.upstream.url, asker.connection, over.signal);
    try {
      const said = await Promise.race([saying, silence.then((): typeof NOTHING => NOTHING)]);
      if (said !== NOTHING) return said;
      const late = (told: Awaited<typeof saying>): void => {
        if (told === undefined || (told !== 'no such version' && !contradiction([claimed ?? told], [told])))
          return;
        const what = told === 'no such version' ? 'does not know it' : 'names another digest';
        asker.reporter.note(`${purlOf(coordinates)} was taken on the lockfile's word; the registry ${what}`);
      };
      void saying.then(late, () => undefined);
      return undefined;
    } finally {
      over.abort();
      silence.catch(() => undefined);
    }
  }

  return {
    async bound(asker, asked, unbound) {
      const { registry } = asker.upstream.ecosystem;
      if (!registry.document(asked.coordinates)) return shown(asker, asked, unbound);
      const saying = declaredBy(documents, asker, asked);
      const mayDoWithout =
        unbound.word === 'claimed' && suffices(asker.policy, 'claimed', unbound.wanted.digests);
      const declared = await (mayDoWithout ? heard(asker, asked, saying) : saying);
      if (declared === 'no such version') return undefined;
      return declared ? expect({ declared, ...(asked.claimed ? { claimed: asked.claimed } : {}) }) : unbound;
    },
  };
}
