/**
 * An image, explained down to its layers.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import { isDigest } from '../content/digest.ts';
import { type Explanation, explain } from '../resolve/explain.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Policy } from '../verify/expect.ts';
import type { ExplainedLog } from './explain-log.ts';
import type { ImageContents, ImagePart } from './cached-images.ts';

/** What is known of one part of an image. */
export interface PartExplanation extends Explanation {
  /** The image, as docker prints it. */
  readonly image: string;
  readonly part: ImagePart['kind'];
  /** For which machine; absent for all, and where nobody says. */
  readonly platform?: string;
  /** Whether its content is in the cache. */
  readonly here: boolean;
  /** What the log says of a manifest; layers and configurations are named by those. */
  readonly log?: ExplainedLog;
}

/** What is known of each part of `image`, from the manifest down; of one that came from several places, of each. */
export function explainImage(
  cache: Cache,
  { image, name, parts, artifacts }: ImageContents,
  receipts: readonly Receipt[],
  policy: Policy,
): PartExplanation[] {
  const held = new Set<string>(artifacts.map(({ digest }) => digest));
  return parts.flatMap(({ kind, digest, platform }) => {
    if (!isDigest(digest)) return [];
    const bindings = cache.bindings.find({ digest }).filter(({ coordinates }) => coordinates.name === name);
    return explain(bindings, receipts, () => false, policy).map((explanation) => ({
      image,
      part: kind,
      ...(platform === undefined ? {} : { platform }),
      here: held.has(digest),
      ...explanation,
    }));
  });
}
