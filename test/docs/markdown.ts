/**
 * What our documentation says, for tests that hold us to it.
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs';

/** Every page, by its path in the repository. */
export const pages: readonly string[] = globSync(['*.md', 'docs/*.md', 'decisions/*.md']).toSorted();

/** A file's text. */
export const page = (path: string): string => readFileSync(path, 'utf8');

/** The fenced blocks of a page that are in `language`; an empty language means those that name none. */
export function blocks(path: string, language: string): string[] {
  return [...page(path).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, of, text]) =>
    of === language ? text! : [],
  );
}

/** The rows of the table below `heading` (of the first one without it), each by its columns' names. */
export function table(path: string, heading?: string): Record<string, string>[] {
  const text = page(path);
  const below = heading === undefined ? text : text.slice(text.indexOf(`\n${heading}\n`) + 1);
  if (heading !== undefined && !below.startsWith(heading)) throw new Error(`${path} has no "${heading}"`);
  const [lines] = /(^\|.*\n)+/m.exec(below) ?? [];
  if (lines === undefined) throw new Error(`No table in ${path}`);
  const [names, , ...rows] = lines.trimEnd().split('\n').map(cells);
  return rows.map((row) => Object.fromEntries(names!.map((name, i) => [name, row[i]!])));
}

/** What stands in `backticks`. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}
