/**
 * What a user was told already: something wrong with their configuration is said once, and not with every command.
 *
 * @module
 */
import { statSync } from 'node:fs';

/** How many sentences are remembered. */
const KEPT = 1000;

/** What has not been said yet, since `file` was last changed. */
export type News = (file: string, sentences: readonly string[]) => readonly string[];

/** Nothing was said so far. */
export function openNews(): News {
  const said = new Set<string>();
  return (file, sentences) => {
    const version = sentences.length > 0 && statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return sentences.filter((sentence) => {
      const key = `${version} ${sentence}`;
      const isNew = !said.has(key);
      if (said.size >= KEPT) said.clear();
      said.add(key);
      return isNew;
    });
  };
}
