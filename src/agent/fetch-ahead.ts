/**
 * Fetches what a launch is going to ask for before it asks: in the order in which it will, on connections that
 * nobody needs, as the proxy would fetch it, and as long as all goes well. Whatever is refused, needs a
 * credential, is not there or does not come is left to the tool, which then asks and is told.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { ArtifactService, Known } from '../proxy/artifact-service.ts';
import type { Asker } from '../proxy/asker.ts';
import type { Upstreams } from '../proxy/upstream.ts';
import { type Asked, type Sure, sureOf } from './pinned.ts';

/** After so many failures in a row an upstream is left to the tool. */
const FAILURES = 4;

/** Content that is to be fetched, and each of its packages. */
export interface Missing {
  readonly digest: Digest;
  readonly asked: readonly Asked[];
}

/** What fetching ahead works with. */
export interface AheadParts {
  readonly artifacts: Pick<ArtifactService, 'knownOf' | 'bring' | 'prepare'>;
  readonly upstreams: Pick<Upstreams, 'spare'>;
}

/**
 * Fetches `missing`, and tells `arrived` of each that is stored and sure. Each upstream has at most `most`
 * connections in use, whoever uses them. Resolves when all is done or given up, or `signal` aborts; rejects with
 * what `arrived` throws.
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
  const queues = Map.groupBy(missing, ({ asked: [first] }) => first?.asker);
  await Promise.all(
    [...queues].map(async ([asker, queue]) => asker && fetchFrom(parts, asker, queue, options)),
  );
}

async function fetchFrom(
  parts: AheadParts,
  { upstream, connection, offline }: Asker,
  queue: readonly Missing[],
  { most, signal, arrived }: Parameters<typeof fetchAhead>[2],
): Promise<void> {
  if (offline !== undefined) return;
  const working = new Set<Promise<void>>();
  let failures = 0;
  for (const each of queue) {
    const spare = await parts.upstreams.spare(upstream.url, connection, { most, signal });
    if (!spare) break;
    if (failures >= FAILURES) {
      spare.free();
      break;
    }
    const work = (async () => {
      const sure = await bring(parts, each, spare.signal).catch(() => undefined);
      spare.free(sure?.size);
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
