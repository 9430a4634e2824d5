/**
 * Telling our lines in a user's file from theirs. Ours are one statement, so they are taken out together or
 * not at all: a part of it could do harm.
 *
 * @module
 */
import { asBytes, bare } from './lines.ts';
import { firstOnPath, SYNTAXES, type Syntax } from './shells.ts';

/** A line of ours: whether a line is it. */
type Template = (line: string) => boolean;

/** Whether all of the lines that put `directory` first are among `lines`, in their order. */
export function hasLinesFor(directory: string, syntax: Syntax, lines: readonly string[]): boolean {
  const ours = firstOnPath(directory, syntax).map((line) => asBytes(line));
  return (
    without(
      lines,
      ours.map((each) => (line) => line === each),
    ) !== undefined
  );
}

/** `lines` without ours, for whatever directory they are; undefined when ours are not all there. */
export function withoutOurs(lines: readonly string[]): readonly string[] | undefined {
  if (lines.length === 0) return lines;
  return SYNTAXES.map((syntax) => without(lines, templates(syntax))).find((left) => left !== undefined);
}

/**
 * With how many lines of ours `lines` begin, of which some may be missing where the text was cut off; undefined
 * when somebody has changed them.
 */
export function ownBeginning(lines: readonly string[]): number | undefined {
  for (const syntax of SYNTAXES) {
    const ours = templates(syntax);
    const stop = lines.findIndex((line, i) => !ours[i]?.(bare(line)));
    const count = stop < 0 ? lines.length : stop;
    if (count === ours.length || count === lines.length) return count;
    // A line that was cut off is the last one, and has no end.
    const cut = lines[count]!;
    if (count === lines.length - 1 && !cut.endsWith('\n') && isStart(cut, firstOnPath('', syntax)[count]!))
      return lines.length;
  }
  return undefined;
}

/** Our lines, for whatever directory. A later version with other lines has to know these, too. */
function templates(syntax: Syntax): readonly Template[] {
  const [first = '', ...others] = firstOnPath('', syntax);
  const [start, end] = [first.slice(0, -1), first.slice(-1)];
  return [
    (line) => line.length >= first.length && line.startsWith(start) && line.endsWith(end),
    ...others.map((each) => (line: string) => line === each),
  ];
}

function isStart(line: string, ours: string): boolean {
  const start = ours.replace(/''$/, "'");
  return start.startsWith(line) || (start !== ours && line.startsWith(start));
}

function without(lines: readonly string[], ours: readonly Template[]): string[] | undefined {
  const left: string[] = [];
  let next = 0;
  for (const line of lines) {
    if (ours[next]?.(bare(line))) next += 1;
    else left.push(line);
  }
  return next === ours.length ? left : undefined;
}
