/**
 * Telling a person which of their files are changed so that shims are found first, and what came of it.
 *
 * @module
 */
import { type Edited, type PathFile, statesOf } from '../shims/on-path.ts';
import { addBlock } from '../shims/rc-block.ts';
import { type Shell, syntaxOf } from '../shims/shells.ts';
import { harmless, say } from './talk.ts';

/** Names in a sentence: `a, b and c`. */
export function listed(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(Boolean).join(' and ');
}

/** Shows what is about to be written into which of `files`; nothing where it is there already. */
export function announce(files: readonly PathFile[], shell: Shell, directory: string): void {
  const states = statesOf(files, directory);
  const unwritten = files.filter((_, i) => states[i]?.state !== 'current');
  const pathsOf = (isList: boolean): string[] =>
    unwritten.filter(({ syntax }) => (syntax === 'list') === isList).map(({ path }) => path);
  const [lists, blocks] = [pathsOf(true), pathsOf(false)];
  if (blocks.length > 0) {
    say(`So that they are found first, these lines go into ${listed(blocks)}:`);
    show(linesFor(shell, directory));
  }
  if (lists.length > 0) say(`So that the steps that follow find them first, ${listed(lists)} gets a line`);
}

/** What became of files of a shell, as a table says it: none of the files themselves is removed. */
export function outcomes(files: readonly Edited[]): (readonly [path: string, outcome: string])[] {
  return files.map(({ path, outcome }) => {
    const isLines = outcome === 'added' || outcome === 'removed' || outcome === 'altered';
    return [path, isLines ? `lines ${outcome}` : outcome];
  });
}

/** Says what a person has to know of their files, or do themselves. */
export function sayOfFiles(files: readonly Edited[], ours?: string): void {
  for (const { path, outcome, reason, kept = [] } of files) {
    if (outcome === 'failed') say(`Cannot write ${path}: ${reason ?? ''}`);
    else if (outcome === 'altered') {
      const changed = `Somebody has changed our lines in ${path}`;
      // Without the marks around them nobody finds them again.
      if (kept.length > 0) say(`${changed}: these stay, for you to take out\n${kept.join('\n')}`);
      else say(`${changed}: they stay as they are (pyrsia doctor)`);
    } else if (kept.length > 0)
      say(`${path} keeps what somebody wrote between our lines:\n${kept.join('\n')}`);
  }
  if (ours !== undefined && files.some(({ outcome }) => outcome === 'failed')) {
    say('Lines to be put there by hand:');
    show(ours);
  }
}

/** What goes into a file of `shell`. */
export function linesFor(shell: Shell, directory: string): string {
  return addBlock('', { directory, syntax: syntaxOf(shell) });
}

/** Shows lines as they are, to be read and copied. They come as bytes. */
function show(lines: string): void {
  process.stderr.write(harmless(Buffer.from(lines, 'latin1').toString()));
}
