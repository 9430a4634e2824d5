/**
 * Asking one place after the other for an image, each first as anybody may and then with the user's credential.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import type { Coordinates } from '../content/coordinates.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { outcomeOf } from './outcome.ts';
import type { ImageAsker, ImageName, ImagePlace } from './image-asker.ts';
import { statusOf, type UpstreamReply } from './upstream.ts';

/** How to come to a place; there need not be one. */
type Way = (this: void) => Promise<ImagePlace | undefined>;

/** Where to look, those first that are known to have it, and those last whose upstream is `failing`. */
export function waysTo(
  cache: Pick<Cache, 'bindings'>,
  images: ImageAsker,
  image: ImageName,
  by: 'tag' | 'digest',
  coordinates?: Coordinates,
  failing: (origin: string) => boolean = () => false,
): readonly Way[] {
  const known = coordinates ? cache.bindings.find(coordinates) : [];
  const isBound = (holds: (upstream: string) => boolean): boolean =>
    known.some((each) => each.coordinates.file === coordinates?.file && holds(each.upstream));
  const all = images.places(image, by).flatMap((place) => {
    const { url, name } = place.asker.upstream;
    const rank = (holds: (upstream: string) => boolean): number =>
      failing(url.origin) ? 2 : isBound(holds) ? 0 : 1;
    return [
      { way: async () => Promise.resolve(place), rank: rank((upstream) => upstream === name) },
      {
        way: async () => images.withCredential(place),
        rank: rank((upstream) => upstream.startsWith(`${url.href}#`)),
      },
    ];
  });
  return all.toSorted((a, b) => a.rank - b.rank).map(({ way }) => way);
}

/** What the first of `places` has that has it; else the failure that says most. */
export async function first<T>(
  places: readonly Way[],
  signal: AbortSignal | undefined,
  attempt: (place: ImagePlace) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: PyrsiaError[] = [];
  for (const way of places) {
    try {
      const place = await way();
      const found = place && (await attempt(place));
      if (found !== undefined) return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PyrsiaError)) throw error;
      failures.push(error);
    }
  }
  const most = Math.max(...failures.map(weight));
  // Who was asked last was asked with more.
  const worst = failures.findLast((failure) => weight(failure) === most);
  if (worst !== undefined) throw worst;
  return undefined;
}

/** What an answer means that is none: undefined, or an error. */
export function nothingAt(reply: Pick<UpstreamReply, 'status' | 'headers'>, url: URL): undefined {
  const { status } = reply;
  if (status === 404 || status === 410) return undefined;
  if (status === 401 || status === 403)
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what: url.pathname, upstream: url.host });
  throw new PyrsiaError('UPSTREAM_FAILED', { url: `${url.origin}${url.pathname}`, reason: statusOf(reply) });
}

/** A refusal says more than a silence, and that more than a locked door. */
function weight(error: unknown): number {
  const outcome = outcomeOf(error);
  if (outcome === 'refused') return 3;
  return isPyrsiaError(error, 'CREDENTIALS_NEEDED') ? 1 : 2;
}
