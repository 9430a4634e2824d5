/**
 * What commands ask about what a reference names: to have it, and whether everybody may.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { Handlers } from '../control/server.ts';
import type { Ecosystem, Reference } from '../ecosystems/ecosystem.ts';
import { parseReference } from '../ecosystems/index.ts';
import { oci } from '../ecosystems/oci/oci.ts';
import { parsePlatform, platformOf } from '../ecosystems/oci/platform.ts';
import { imageOf } from '../ecosystems/oci/reference.ts';
import { imagesMeant } from '../ecosystems/oci/short-names.ts';
import { PyrsiaError } from '../errors.ts';
import type { Asker } from '../proxy/asker.ts';
import type { Accounts } from './accounts.ts';
import type { Fetching } from './fetching.ts';
import { type ImageSessionParts, openImageSession } from './image-sessions.ts';
import { pullFirstImage } from './pull-first-image.ts';
import { pullFromFirst } from './pull.ts';
import { type Caller, openSession, type Session, type SessionParts } from './sessions.ts';

/** What such requests are answered with. */
export interface ReferenceParts extends Fetching {
  readonly accounts: Accounts;
  readonly sessions: SessionParts;
  readonly imageSessions: ImageSessionParts;
  /** Told when something has been brought. */
  brought(this: void): void;
}

/** Answers to requests that name a reference. */
export function referenceRequests(parts: ReferenceParts): Pick<Handlers, 'pull' | 'isPublic'> {
  const { accounts, sessions, imageSessions } = parts;

  /** Runs what a caller asks for, on an account that is closed afterwards, and unless it `passes`, kept. */
  async function onAccount<T>(
    { id, session, passes }: { readonly id: string; readonly session: Session; readonly passes: boolean },
    run: () => Promise<T>,
  ): Promise<T> {
    accounts.open(id, session);
    try {
      return await run();
    } finally {
      await accounts.close(id, !passes);
      parts.brought();
    }
  }

  /** The session of a caller, and those of its upstreams that may have what `reference` names. */
  async function openFor(
    ecosystem: Ecosystem,
    reference: Reference,
    caller: Caller,
    distribution = false,
  ): Promise<{ readonly session: Session; readonly askers: readonly Asker[] }> {
    const { session, settings, askerFor } = await openSession(sessions, ecosystem, caller);
    const { scopeOf } = ecosystem;
    if (!scopeOf) {
      const askers = [...session.askers.values()];
      if (!distribution) return { session, askers };
      const isFrom = ({ upstream: { url } }: Asker): boolean =>
        `${url.origin}${url.pathname}` === settings.distribution;
      return { session, askers: askers.filter(isFrom) };
    }
    return { session, askers: [askerFor(scopeOf(reference)) ?? []].flat() };
  }

  return {
    async pull({ reference: text, cwd, env, platform, passes = false, distribution }, { signal, progress }) {
      const { ecosystem, reference } = await parseReference(text);
      const caller = callerOf(['pull', text], { cwd, env });
      const options = { signal, onProgress: progress };
      if (ecosystem === oci) {
        const machine = platform === undefined ? platformOf(process) : parsePlatform(platform);
        const { session, conf } = await openImageSession(imageSessions, caller);
        const meant = imagesMeant(text, conf) ?? [imageOf(reference)];
        return onAccount({ id: caller.id, session, passes }, async () =>
          pullFirstImage(parts, session.images, meant, {
            platform: platform === 'all' ? undefined : machine,
            ...options,
          }),
        );
      }
      const { session, askers } = await openFor(ecosystem, reference, caller, distribution);
      if (askers.length === 0)
        throw new PyrsiaError('CREDENTIALS_NEEDED', { what: text, upstream: 'its registry' });
      return onAccount({ id: caller.id, session, passes }, async () =>
        pullFromFirst(parts, askers, reference, options),
      );
    },

    async isPublic({ reference: text, cwd, env }) {
      const { ecosystem, reference } = await parseReference(text);
      if (ecosystem.registry.inPublic(reference) === undefined) return { public: false };
      const caller = callerOf(['log', 'submit', text], { cwd, env });
      if (ecosystem === oci) {
        const { session } = await openImageSession(imageSessions, caller);
        const places = session.images.places(imageOf(reference), 'tag');
        return { public: places.some(({ asker }) => asker.upstream.public) };
      }
      const { askers } = await openFor(ecosystem, reference, caller);
      return { public: askers.some(({ upstream }) => upstream.public) };
    },
  };
}

/** A command of ours, run there. */
function callerOf(
  command: readonly string[],
  at: Pick<Caller, 'cwd' | 'env'>,
): Caller & { readonly id: string } {
  return { id: randomUUID(), ...at, args: [], command: ['pyrsia', ...command] };
}
