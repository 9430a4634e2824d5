/**
 * The digest by which a daemon knows an image. It learns one only by pulling the image by its own name and digest: it
 * asks the registry for the manifests of that digest, and finds the rest with itself.
 *
 * @module
 */
import { text } from 'node:stream/consumers';
import type { Digest } from '../content/digest.ts';
import { hexOf } from '../content/digest.ts';
import {
  familiarName,
  type ImageAskedFor,
  nameOf,
  progressLine,
  pullPath,
} from '../ecosystems/oci/docker-api.ts';
import type { DockerEngine } from './docker-engine.ts';
import type { GivenImage } from './given-manifests.ts';

/** How long the daemon may take to ask a registry whether it is there, once it has the image: 10 s. */
const NAMING_TIMEOUT_MS = 10_000;
/** How many characters of a layer's digest a daemon shows. */
const ID_LENGTH = 12;
/** What it says of a layer that it need not fetch any more. */
const HERE = new Set(['Already exists', 'Download complete', 'Pull complete']);

/** What the naming of an image that is pulled rests on. */
export interface NamedPull {
  readonly asked: ImageAskedFor;
  /** What the client shows the image's own registry: `X-Registry-Auth`. */
  readonly auth?: string;
  /** Whether the daemon may ask that registry, of which it wants to know that it is there. */
  readonly mayAsk: () => boolean;
  /** What of it was given from upstream so far, if that is known. */
  readonly given: () => GivenImage | undefined;
}

/** The naming of one image, while it is pulled. */
export interface Naming {
  /**
   * What the daemon says of a layer. While it unpacks the last ones it can ask the registry already: it fetches no layer
   * twice, whatever the name under which it was asked for. Where that is in vain it is not tried again.
   */
  hear(this: void, id: string, status: string): void;
  /** Resolves to whether it has the image of this id by that digest, once all of it is there. */
  done(this: void, digest: Digest, id: string | undefined): Promise<boolean>;
  /** Nobody waits for it any more. */
  end(this: void): void;
}

/** None was asked for so far. */
export function openNaming(engine: DockerEngine, { asked, auth, mayAsk, given }: NamedPull): Naming {
  const over = new AbortController();
  const here = new Set<string>();
  let ahead: { readonly digest: Digest; readonly named: Promise<boolean> } | undefined;

  const idBy = async (digest: Digest): Promise<string | undefined> => {
    const { registry, repository } = asked.image;
    return engine.idOf(asked.version, nameOf({ registry, repository, digest }));
  };
  async function name(digest: Digest): Promise<boolean> {
    const { registry, repository } = asked.image;
    const same = { ...asked, image: { registry, repository, digest } };
    const answer = await engine.ask('POST', pullPath(same, familiarName(asked.image)), {
      ...(auth === undefined ? {} : { headers: { 'x-registry-auth': auth } }),
      signal: over.signal,
    });
    const said = await text(answer);
    return (
      answer.statusCode === 200 &&
      said.split('\n').every((each) => progressLine(each.trim()).error === undefined)
    );
  }

  return {
    hear(id, status) {
      if (!HERE.has(status)) return;
      here.add(id);
      const found = ahead ? undefined : given();
      if (!found?.layers.every((layer) => here.has(hexOf(layer).slice(0, ID_LENGTH))) || !mayAsk()) return;
      ahead = { digest: found.digest, named: name(found.digest).catch(() => false) };
    },
    async done(digest, id) {
      const timer = setTimeout(() => over.abort(), NAMING_TIMEOUT_MS);
      try {
        if (ahead?.digest === digest) return await ahead.named;
        if ((await idBy(digest)) === id && id !== undefined) return true;
        return mayAsk() && (await name(digest));
      } catch {
        return false;
      } finally {
        clearTimeout(timer);
      }
    },
    end: () => over.abort(),
  };
}
