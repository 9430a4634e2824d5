/**
 * Fetches what a launch is going to ask for before it asks: in the order in which it will, on connections that
 * nobody needs, as the proxy would fetch it, and as long as all goes well. Whatever is refused, needs a
 * credential, is not there or does not come is left to the tool, which then asks and is told.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../content/digest.ts';
import type { Peers } from '../p2p/contract.ts';
import type { ArtifactService, Known } from '../proxy/artifact-service.ts';
import { type Asker, mayBeHeard } from '../proxy/asker.ts';
import { CONNECTIONS } from '../proxy/connections.ts';
import type { Upstreams } from '../proxy/upstream.ts';
import { type Asked, type Sure, sureOf } from './pinned.ts';

/** After so many failures in a row an upstream is left to the tool. */
const FAILURES = 4;

/** Content that is to be fetched, and each of its packages. */
export interface Missing {
  readonly digest: Digest;
  readonly asked: readonly Asked[];
}

/** How many are fetched at the same time that peers have: as many as there are connections to ask what binds them. */
const NEARBY = CONNECTIONS;

/** How often it is looked whether more of it is nearby, in milliseconds. */
const LOOK_AGAIN_MS = 20;

/** What fetching ahead works with. */
export interface AheadParts {
  readonly artifacts: Pick<ArtifactService, 'knownOf' | 'bring' | 'prepare'>;
  readonly upstreams: Pick<Upstreams, 'spare'>;
  /** Who may have it nearby; absent where nobody is asked. */
  readonly peers?: Pick<Peers, 'prepare' | 'knows'>;
}

/**
 * Fetches `missing`, and tells `arrived` of each that is stored and sure. Each upstream has at most `most`
 * connections in use, whoever uses them; what peers have needs none. Resolves when all is done or given up, or `signal`
 * aborts; rejects with what `arrived` throws.
 */
export async function fetchAhead(
  parts: AheadParts,
  missing: readonly Missing[],
  options: {
    readonly most: number;
    readonly signal: AbortSignal;
    arrived(this: void, sure: Sure): Promise<void>;
  },
): Promise<void> {
  const left = new Map(missing.map((each) => [each, undefined as AbortController | undefined]));
  const queues = Map.groupBy(missing, ({ asked: [first] }) => first?.asker);
  const all = Promise.all(
    [...queues].map(async ([asker, queue]) => asker && fetchFrom(parts, asker, queue, left, options)),
  );
  await Promise.all([all, fetchNearby(parts, missing, left, all, options)]);
}

/** What nobody has brought yet, with what gives up bringing it where that has begun. */
type Left = Map<Missing, AbortController | undefined>;

/** Fetches of what is `left` all that peers have, as long as upstreams are not done with it; also what upstreams have begun with. */
async function fetchNearby(
  parts: AheadParts,
  missing: readonly Missing[],
  left: Left,
  others: Promise<unknown>,
  { signal, arrived }: Parameters<typeof fetchAhead>[2],
): Promise<void> {
  const { peers } = parts;
  const open = missing.filter(({ asked }) =>
    asked.every(({ asker, request }) => mayBeHeard(asker, request.coordinates.name)),
  );
  if (!peers || open.length === 0) return;
  void peers.prepare(
    open.map(({ digest }) => digest),
    { signal },
  );
  const fetched = async (each: Missing): Promise<void> => {
    const sure = await bring(parts, each, signal).catch(() => undefined);
    if (sure) await arrived(sure);
  };
  // Whoever comes near meanwhile is asked as well.
  const over = others.then(
    () => true,
    () => true,
  );
  while (left.size > 0 && !signal.aborted) {
    const nearby = open.filter((each) => left.has(each) && peers.knows({ digests: [each.digest] }));
    // All at once: upstream's line is for what binds them.
    for (const each of nearby) {
      left.get(each)?.abort();
      left.delete(each);
    }
    const queue = nearby.values();
    const lane = async (): Promise<void> => {
      for (const each of queue) {
        if (signal.aborted) return;
        await fetched(each);
      }
    };
    await Promise.all(Array.from({ length: NEARBY }, lane));
    if ((await Promise.race([over, delay(LOOK_AGAIN_MS)])) === true) return;
  }
}

async function fetchFrom(
  parts: AheadParts,
  { upstream, connection, offline }: Asker,
  queue: readonly Missing[],
  left: Left,
  { most, signal, arrived }: Parameters<typeof fetchAhead>[2],
): Promise<void> {
  if (offline !== undefined) return;
  const working = new Set<Promise<void>>();
  let failures = 0;
  for (const each of queue) {
    if (!left.has(each)) continue;
    const spare = await parts.upstreams.spare(upstream.url, connection, { most, signal });
    if (!spare) break;
    if (failures >= FAILURES) {
      spare.free();
      break;
    }
    // Peers may have brought it while it waited.
    if (!left.has(each)) {
      spare.free();
      continue;
    }
    const given = new AbortController();
    left.set(each, given);
    const work = (async () => {
      const either = AbortSignal.any([spare.signal, given.signal]);
      const sure = await bring(parts, each, either).catch(() => undefined);
      spare.free(sure?.size);
      if (given.signal.aborted) return;
      left.delete(each);
      failures = sure ? 0 : failures + 1;
      if (sure) await arrived(sure);
    })();
    working.add(work);
    void work.then(
      () => working.delete(work),
      () => undefined,
    );
  }
  await Promise.all(working);
}

/** Brings content for each of its packages in turn: those after the first only have to be bound to it. */
async function bring(
  { artifacts }: AheadParts,
  { digest, asked }: Missing,
  signal: AbortSignal,
): Promise<Sure | undefined> {
  const known: Known[] = [];
  let isHere = false;
  for (const { asker, request } of asked) {
    const { path } = request;
    const found =
      (isHere ? artifacts.knownOf(asker, request) : undefined) ??
      (path === undefined ? undefined : await artifacts.bring(asker, { ...request, path, signal }));
    if (!found) return undefined;
    isHere = true;
    known.push(found);
  }
  return sureOf(digest, known);
}
