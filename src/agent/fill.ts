/**
 * Fills a tool's own cache while the tool starts: what its lockfile pins is put where the tool looks by digest
 * before it asks anybody, so that it never asks. What we do not have is fetched meanwhile.
 *
 * What is put there never comes to the proxy. So it is only what the proxy would deliver: what is bound already,
 * and what upstream sends for these very coordinates. Whatever is refused, contradicted or merely claimed the
 * tool has to ask for.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Cache, HashedFile } from '../cache/cache.ts';
import type { Wanted } from '../content/descriptor.ts';
import { isSha256 } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { verified } from '../content/verified.ts';
import type { PinnedContent, Tool } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { closed } from '../proxy/body.ts';
import { obstacleIn } from '../shims/npm-cache-folder.ts';
import { openNpmContent, type Placed } from '../shims/npm-content.ts';
import { breather } from './breather.ts';
import { type AheadParts, fetchAhead, type Missing } from './fetch-ahead.ts';
import { type HeadStart, MANY } from './head-start.ts';
import { askedFor, knownOf, neededFor, type Sure, sureOf } from './pinned.ts';
import type { Plan } from './sessions.ts';

/** Files that are read at the same time. */
const LANES = 4;

/** What a fill works with. */
export interface FillParts extends AheadParts {
  readonly cache: Pick<Cache, 'content' | 'pathOf' | 'hashed' | 'readOnlyBecause'>;
  /** With which the tool makes directories, where that is known. */
  umask?(this: void): number | undefined;
}

/** Content of ours, each byte of which is right if `chunks` ends without an error. */
interface Ours {
  readonly size: number;
  readonly chunks: ByteStream;
}

/**
 * Fills the own cache of a launch's tool, as far as that is asked for and can be, until `signal` aborts, and
 * enters it into the launch's account: with what its lockfile pins, which is fetched where it is not here, and with
 * what is `followed` as long as that lasts. Says when there is no use in a `headStart` any more. Never rejects.
 */
export async function fill(
  parts: FillParts,
  tool: Tool,
  plan: Plan,
  signal: AbortSignal,
  { followed, headStart }: { followed?: AsyncIterable<readonly PinnedContent[]>; headStart?: HeadStart } = {},
): Promise<void> {
  try {
    await fillNow(parts, tool, plan, signal, followed, headStart);
  } finally {
    headStart?.end();
  }
}

async function fillNow(
  parts: FillParts,
  tool: Tool,
  plan: Plan,
  signal: AbortSignal,
  followed: AsyncIterable<readonly PinnedContent[]> | undefined,
  headStart: HeadStart | undefined,
): Promise<void> {
  const { session, settings, redirection, filling } = plan;
  const { install } = settings;
  if (!install || !redirection || filling.how === 'off') return;
  let startedAt = Date.now();
  let pausedAt: number | undefined;
  const sum = { linked: 0, copied: 0, bytes: 0 };
  let beyond = 0;
  let written = 0;
  let problem: string | undefined;
  const isOver = (): boolean => signal.aborted || problem !== undefined;
  const breath = breather();
  const account = (why?: string): void =>
    session.reporter.filled({
      ...sum,
      ...(beyond > 0 && { beyond }),
      ms: Date.now() - startedAt,
      ...(why !== undefined && { problem: why }),
    });

  try {
    // Whoever waits for an answer comes first.
    await turn();
    const umask = parts.umask?.();
    const into = openNpmContent(install.cache, { copies: filling.how === 'copy', umask });
    let fetching: Promise<void> | undefined;
    for await (const pinned of neededFor(install, tool, followed)) {
      // To wait is not to fill.
      if (pausedAt !== undefined) startedAt += Date.now() - pausedAt;
      if (pinned.length > 0) problem ??= obstacleTo(install.cache, umask);
      const missing = await putAll(pinned);
      // That comes first which a lockfile pins: all of it will be asked for.
      fetching ??= fetchAll(missing)
        .catch((error: unknown) => {
          problem ??= messageOf(error);
        })
        .finally(headStart?.end);
      if (isOver()) break;
      pausedAt = Date.now();
    }
    await fetching;

    /** Reads what the log says of all of them at once: what contradicts it is not put there. */
    async function askLog(pinned: readonly PinnedContent[]): Promise<void> {
      const all = pinned.flatMap((each) => askedFor(tool, plan, each) ?? []);
      for (const [asker, asked] of Map.groupBy(all, (each) => each.asker)) {
        const coordinates = asked.map(({ request }) => request.coordinates);
        await parts.artifacts.prepare(asker, coordinates);
      }
    }

    /** Puts there what is here, and tells what is not. */
    async function putAll(pinned: readonly PinnedContent[]): Promise<readonly Missing[]> {
      const sure: (Sure & Missing)[] = [];
      const missing: Missing[] = [];
      let looked = 0;
      await askLog(pinned);
      for (const each of pinned) {
        await breath();
        if (isOver()) return [];
        const { digest } = each;
        const asked = into.has(digest) ? undefined : askedFor(tool, plan, each);
        const known = asked && sureOf(digest, knownOf(parts.artifacts, asked));
        if (known && isHere(parts.cache, known)) sure.push({ ...known, asked });
        else if (asked) missing.push({ digest, asked });
        if (++looked === MANY && missing.length * 2 < MANY) headStart?.end();
      }
      if (missing.length < MANY) headStart?.end();
      // Small ones are many, and soon done.
      const queue = sure.toSorted((a, b) => a.size - b.size).values();
      const lane = async (): Promise<void> => {
        for (const each of queue) {
          await breath();
          if (isOver()) return;
          if (!(await isSound(each))) missing.push(each);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      return missing;
    }

    /** Fetches what is not here, and puts it there as it comes. */
    async function fetchAll(missing: readonly Missing[]): Promise<void> {
      const most = install?.connections ?? Infinity;
      if (isOver() || most === 0 || parts.cache.readOnlyBecause !== undefined) return;
      const nowhere = new AbortController();
      headStart?.lack(missing.length);
      // The tool asks for the last first.
      await fetchAhead(parts, missing.toReversed(), {
        most,
        signal: AbortSignal.any([signal, nowhere.signal]),
        arrived: async (each) => {
          if (!isOver()) await isSound(each);
          headStart?.came();
          if (problem !== undefined) nowhere.abort();
        },
      });
    }

    /** Puts something there, unless our copy is damaged, which is removed then. */
    async function isSound(each: Sure): Promise<boolean> {
      try {
        await place(each);
      } catch (error) {
        if (error instanceof PyrsiaError) {
          session.reporter.note(error.message);
          return false;
        }
        problem ??= messageOf(error);
      }
      return true;
    }

    async function place(each: Sure): Promise<void> {
      const { digest, wanted, known, size: expected } = each;
      const at = Date.now();
      if (into.has(digest)) return;
      let size: number | undefined;
      let placed: Placed | undefined;
      if (into.links()) {
        // It is hashed at every use.
        const sound = arrived(parts.cache, each) ?? (await parts.cache.hashed(wanted));
        if (!sound) return;
        ({ size } = sound);
        placed = into.link(digest, sound.path);
      }
      if (placed === undefined) {
        const content =
          written + expected > filling.limit ? 'beyond' : await ours(parts.cache, wanted, signal);
        if (content === undefined) return;
        // What nobody has measured before is known now.
        if (content === 'beyond' || written + content.size > filling.limit) {
          if (content !== 'beyond') await closed(content.chunks);
          beyond++;
          account();
          return;
        }
        ({ size } = content);
        written += size;
        placed = await into.copy(digest, content.chunks);
      }
      if (size === undefined || placed === 'there' || placed === 'gone') return;
      sum[placed]++;
      sum.bytes += size;
      account();
      const [bytes, via] = [size, placed];
      await Promise.all(known.map((one) => session.reporter.add({ ...one.linked(bytes, at), via })));
    }
  } catch (error) {
    problem ??= messageOf(error);
  }
  if (problem !== undefined && !signal.aborted) account(problem);
}

/** Why this cache cannot be filled. */
function obstacleTo(cache: string, umask: number | undefined): string | undefined {
  const { kind, text } = obstacleIn(cache) ?? {};
  // npm makes what is above it, and where it is known how, so do we.
  return kind === 'nowhere' && umask !== undefined ? undefined : text;
}

/** Whether it is in our cache. */
function isHere(cache: FillParts['cache'], { wanted }: Sure): boolean {
  return wanted.digests.some((digest) => cache.pathOf(digest) !== undefined);
}

/** Content that was hashed as it came, a moment ago. */
function arrived(cache: FillParts['cache'], { digest, known, size }: Sure): HashedFile | undefined {
  const hashed = known.find(({ arrived: came, wanted }) => came && wanted.digests.includes(digest));
  const sha256 = hashed?.wanted.digests.find(isSha256);
  const path = sha256 && cache.pathOf(sha256);
  return path === undefined ? undefined : { path, size };
}

/** Opens content of ours; undefined when it is not here. */
async function ours(
  cache: FillParts['cache'],
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Ours | undefined> {
  const content = await cache.content.open(wanted, { signal });
  if (content?.size === undefined) return undefined;
  const { size, chunks, proven } = content;
  // Digests that the cache has never computed are proven by reading it all, as the resolver does.
  const unproven = wanted.digests.filter((digest) => !proven.includes(digest));
  return { size, chunks: unproven.length === 0 ? chunks : verified(chunks, { digests: unproven }) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
