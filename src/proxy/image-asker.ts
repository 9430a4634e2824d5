import type { Digest } from '../content/digest.ts';
import type { ImageReference } from '../ecosystems/oci/reference.ts';
import type { Reporter } from '../resolve/reporter.ts';
import type { Asker } from './asker.ts';

/** An image's name without tag and digest. */
export type ImageName = Pick<ImageReference, 'registry' | 'repository'>;

/** A manifest that a client was given; by a tag, where it asked by one. */
export interface GivenManifest {
  readonly image: ImageName;
  readonly tag?: string;
  readonly digest: Digest;
  readonly body: Uint8Array;
}

/** One place where an image may be, and who asks there. */
export interface ImagePlace {
  readonly asker: Asker;
  /** The image's name there. */
  readonly repository: string;
}

/** Who asks for images: a launch, with what its user configured. */
export interface ImageAsker {
  readonly reporter: Reporter;
  /** Why upstream is not asked; undefined when it is. */
  readonly offline?: string;
  /**
   * Where an image may be, asked as anybody may, best first.
   *
   * @throws PyrsiaError `BLOCKED`, `CONFIG_INVALID`
   */
  places(this: void, image: ImageName, by: 'tag' | 'digest'): readonly ImagePlace[];
  /** The same place, asked with the user's own credential; undefined when there is none. */
  withCredential(this: void, place: ImagePlace): Promise<ImagePlace | undefined>;
  /** Hears of each manifest that it is given. */
  gave?(this: void, given: GivenManifest): void;
}
