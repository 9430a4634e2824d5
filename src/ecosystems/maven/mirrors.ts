/**
 * Which mirror Maven asks in a repository's place.
 *
 * @see https://maven.apache.org/guides/mini/guide-mirror-settings.html
 * @module
 */

/** A repository as a project or the settings name it. */
export interface MavenRepository {
  readonly id: string;
  readonly url: string;
}

/** A mirror as settings name it. */
export interface MavenMirror extends MavenRepository {
  readonly mirrorOf: string;
  /** Nothing that it stands for is to be asked for. */
  readonly blocked: boolean;
}

/** The mirror of a repository, of `mirrors` in the order in which they hold: one of its very id, else the first that fits. */
export function mirrorOf(
  repository: MavenRepository,
  mirrors: readonly MavenMirror[],
): MavenMirror | undefined {
  return (
    mirrors.find((each) => each.mirrorOf === repository.id) ??
    mirrors.find((each) => fits(repository, each.mirrorOf))
  );
}

function fits(repository: MavenRepository, pattern: string): boolean {
  let fitting = false;
  for (const part of pattern.split(',').map((each) => each.trim())) {
    if (part === `!${repository.id}`) return false;
    if (part === repository.id) return true;
    fitting ||=
      part === '*' ||
      (part === 'external:*' && isExternal(repository)) ||
      (part === 'external:http:*' && isExternal(repository) && /^(http|dav|dav:http):/i.test(repository.url));
  }
  return fitting;
}

function isExternal({ url }: MavenRepository): boolean {
  const parsed = URL.parse(url);
  return !(parsed?.protocol === 'file:' || ['localhost', '127.0.0.1'].includes(parsed?.hostname ?? ''));
}
