/**
 * One of the images that a short name may mean.
 *
 * @module
 */
import type { PulledImage } from '../control/protocol.ts';
import { fullName, type ImageReference } from '../ecosystems/oci/reference.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import { outcomeOf } from '../proxy/outcome.ts';
import { pullImage } from './pull-image.ts';
import type { ImagePullOptions, ImagePullParts } from './pull-image-parts.ts';

/**
 * Pulls the first of them that can be had, as engines do. Where one is refused for what it is, no other takes its place.
 *
 * @throws PyrsiaError as {@link pullImage} does: of those that are there and could not be had the first one's
 */
export async function pullFirstImage(
  parts: ImagePullParts,
  asker: ImageAsker,
  meant: readonly ImageReference[],
  options: ImagePullOptions,
): Promise<PulledImage> {
  const failures: PyrsiaError[] = [];
  for (const reference of meant) {
    try {
      const pulled = await pullImage(parts, asker, reference, options);
      return meant.length > 1 ? { ...pulled, mayBe: meant.map(fullName) } : pulled;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof PyrsiaError) || meant.length === 1) throw error;
      if (outcomeOf(error) === 'refused' && !isPyrsiaError(error, 'BLOCKED')) throw error;
      failures.push(error);
    }
  }
  throw (
    failures.find((failure) => !isPyrsiaError(failure, 'NOT_FOUND')) ??
    new PyrsiaError('NOT_FOUND', { what: meant.map(fullName).join(', ') })
  );
}
