/**
 * A file with a directory on each line, by which a step of a CI service puts directories first on the PATH of
 * those that follow ($GITHUB_PATH). Text is latin1, so that every byte is kept.
 *
 * @module
 */
import { asBytes, bare, linesOf } from './lines.ts';

/** Whether `text` names `directory`. */
export function isListed(text: string, directory: string): boolean {
  return linesOf(text).map(bare).includes(asBytes(directory));
}

/** `text` with `directory` named in it once. */
export function addToList(text: string, directory: string): string {
  if (isListed(text, directory)) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${asBytes(directory)}\n`;
}

/** `text` without `directory`. */
export function removeFromList(text: string, directory: string): string {
  return linesOf(text)
    .filter((line) => bare(line) !== asBytes(directory))
    .join('');
}
