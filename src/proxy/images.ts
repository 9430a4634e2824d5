/**
 * Images, from wherever the user's configuration says that they may be: manifests by tag and by digest, blobs,
 * and lists. What is named by a digest is asked of nobody once it is here and known to belong to that
 * repository; of a tag upstream is asked what it means now, which is one HEAD.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import type { ArtifactService } from './artifact-service.ts';
import type { CopyService } from './copies.ts';
import type { Answer, DocumentService } from './documents.ts';
import type { ImageAsker, ImageName } from './image-asker.ts';
import { type ImageContent, openImageContent } from './image-content.ts';
import { first, nothingAt, waysTo } from './image-places.ts';
import { openTags, type TagService } from './image-tags.ts';
import type { Upstreams } from './upstream.ts';

/** Images of any registry. What no place has is undefined; what no place delivers is an error. */
export interface ImageService extends Omit<ImageContent, 'failed'> {
  readonly tag: TagService;
  /** A list about a repository, at this path below its name. */
  list(
    images: ImageAsker,
    asked: { readonly image: ImageName; readonly rest: string; readonly accept: string },
  ): Promise<Answer | undefined>;
}

/** Opens the service. */
export function openImages(parts: {
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
  /** What tags mean to neighbours; absent where there are none. */
  readonly copies?: Pick<CopyService, 'tag'>;
  readonly upstreams: Upstreams;
  readonly now: () => number;
}): ImageService {
  const { cache, documents } = parts;
  const content = openImageContent(parts);
  return {
    ...content,
    tag: openTags({ ...parts, content }),

    async list(images, { image, rest, accept }) {
      const found = await first(
        waysTo(cache, images, image, 'tag'),
        undefined,
        async ({ asker, repository }) => {
          const path = `/v2/${repository}/${rest}`;
          const answer = await documents.get(asker, { path, accept });
          if (answer.document) return answer;
          return nothingAt({ status: answer.status, headers: {} }, new URL(path, asker.upstream.url));
        },
      );
      if (found) images.reporter.document(found.from);
      return found;
    },
  };
}
