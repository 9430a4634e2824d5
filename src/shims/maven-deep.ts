/**
 * Repositories that only poms of dependencies name. Maven asks them, and nobody knows of them before it runs.
 *
 * @module
 */
import { type MavenMirror, type MavenRepository, mirrorOf } from '../ecosystems/maven/mirrors.ts';
import { readPom } from '../ecosystems/maven/pom.ts';
import type { ToolSettings } from './settings.ts';

/** Tells of such repositories, given those that are `known`, by id, and the mirrors in the order in which they hold. */
export function deepRepositories(
  known: readonly MavenRepository[],
  mirrors: readonly MavenMirror[],
): NonNullable<ToolSettings['namedIn']> {
  const ids = new Set([...known, ...mirrors].map(({ id }) => id));
  return (file, text) => {
    if (!file.endsWith('.pom') || !/<(pluginR|r)epository>/.test(text)) return [];
    // With a mirror it is blocked, or asked as that is.
    return repositoriesOf(text)
      .filter((each) => !ids.has(each.id) && !mirrorOf(each, mirrors))
      .map(({ id, url }) => `${id} (${URL.parse(url)?.host || url.slice(0, 200)})`);
  };
}

/** None of a pom that Maven will not read either. */
function repositoriesOf(text: string): readonly MavenRepository[] {
  try {
    return readPom(text).repositories;
  } catch {
    return [];
  }
}
