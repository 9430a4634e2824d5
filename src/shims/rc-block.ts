/**
 * The block of lines that we put into a file which a user's shell reads. It says itself what was there before,
 * so that taking it out gives back the same bytes without a record anywhere else.
 *
 * Text is a string of bytes (latin1): a file may hold any, and all of them are kept.
 *
 * @module
 */
import { asBytes, bare, linesOf } from './lines.ts';
import { hasLinesFor, ownBeginning, withoutOurs } from './own-lines.ts';
import { firstOnPath, type Syntax } from './shells.ts';

const BEGIN = '# >>> pyrsia >>>';
const END = '# <<< pyrsia <<<';
const ABOUT = '# The shims of pyrsia come first on the PATH. To take this out: pyrsia shim uninstall';
const ENDLESS = '# (The line above had no end.)';
const EMPTY = '# (The empty line above was added, since the one before it goes on.)';
const MADE = /^# \(This file was made for it(?:, and (\d+) of the directories it is in)?\.\)$/;

/**
 * What a text has of ours: nothing; our lines as they should be, perhaps with others between them; ours for
 * another directory, cut off or twice; ours, changed by somebody.
 */
export type BlockState = 'absent' | 'current' | 'outdated' | 'altered';

/** What our lines lead to, and in which language. */
export interface Wanted {
  readonly directory: string;
  readonly syntax: Syntax;
}

/** A text from which our lines were taken. */
export interface Unblocked {
  /** Undefined: the file was made for our lines, and nothing else came into it. */
  readonly text: string | undefined;
  /** How many of the directories it is in were made with it. */
  readonly directories: number;
  /** Lines that somebody wrote between ours, and stay where they were. */
  readonly kept: readonly string[];
  /** Whether those are lines of ours that somebody changed. */
  readonly altered: boolean;
}

/** Lines `from` to `to` (exclusive) of a text: ours, and what of them stays. */
interface Block {
  readonly from: number;
  readonly to: number;
  readonly kept: readonly string[];
  readonly altered: boolean;
  /** How many line ends were added before it. */
  readonly added: number;
  /** For a file that was made for it: how many directories were. */
  readonly made?: number;
}

/** What `text` has of the wanted block. */
export function blockState(text: string, { directory, syntax }: Wanted): BlockState {
  const lines = linesOf(text);
  const [block, ...others] = blocksIn(lines);
  if (!block) return 'absent';
  if ([block, ...others].some(({ altered }) => altered)) return 'altered';
  const inner = lines.slice(block.from, block.to).map(bare);
  const isCurrent = inner.at(-1) === END && hasLinesFor(directory, syntax, inner);
  return others.length === 0 && isCurrent ? 'current' : 'outdated';
}

/**
 * `text` with the wanted block as the last thing in it. Text that has it already, or in which somebody has
 * changed it, is returned as it is. An undefined text is that of a file which is made for it, in so many new
 * directories.
 */
export function addBlock(text: string | undefined, wanted: Wanted, directories = 0): string {
  const state = text === undefined ? 'absent' : blockState(text, wanted);
  if (text !== undefined && (state === 'current' || state === 'altered')) return text;
  const before = text === undefined ? { text, directories } : removeBlocks(text);
  const seams = before.text === undefined ? [] : seamsOf(before.text);
  const notes = before.text === undefined ? [made(before.directories)] : seams;
  const ours = firstOnPath(wanted.directory, wanted.syntax);
  const block = [BEGIN, ABOUT, ...notes, ...ours, END, ''].join('\n');
  return `${before.text ?? ''}${'\n'.repeat(seams.length)}${asBytes(block)}`;
}

/** `text` without our lines: byte for byte what it was, with what others have written meanwhile. */
export function removeBlocks(text: string): Unblocked {
  const lines = linesOf(text);
  const blocks = blocksIn(lines);
  const rest: string[] = [];
  let at = 0;
  for (const { from, to, kept } of blocks) {
    rest.push(...lines.slice(at, from), ...kept);
    at = to;
  }
  rest.push(...lines.slice(at));
  const seam = blocks.find(({ added }) => added > 0);
  // What came after it needs the line ends that we have added.
  const isLast = seam !== undefined && rest.length === seam.from;
  // As ours are now: an editor may have changed them all.
  const end = isLast && lines[seam.from]!.endsWith('\r\n') ? '\r\n' : '\n';
  const left = isLast ? rest.join('').replace(new RegExp(`(${end}){${seam.added}}$`), '') : rest.join('');
  const counts = blocks.flatMap((block) => block.made ?? []);
  return {
    text: left === '' && counts.length > 0 ? undefined : left,
    directories: Math.max(0, ...counts),
    kept: blocks.flatMap(({ kept }) => kept.map(bare)),
    altered: blocks.some(({ altered }) => altered),
  };
}

/** The lines that a shell reads after ours, without their ends; undefined when there are none of ours. */
export function linesAfterBlock(text: string): readonly string[] | undefined {
  const lines = linesOf(text).map(bare);
  const end = lines.lastIndexOf(END);
  return end < 0 ? undefined : lines.slice(end + 1);
}

/** What has to be said of the seam between a text and a block: a note for each line end that it takes. */
function seamsOf(text: string): readonly string[] {
  const isEndless = text !== '' && !text.endsWith('\n');
  // Otherwise our first line would belong to it.
  const goesOn = /[\\`]\r?\n?$/.test(text);
  return [...(isEndless ? [ENDLESS] : []), ...(goesOn ? [EMPTY] : [])];
}

function made(directories: number): string {
  return `# (This file was made for it${directories > 0 ? `, and ${directories} of the directories it is in` : ''}.)`;
}

function blocksIn(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = bare(lines[at]!);
    if (line !== BEGIN && line !== END) continue;
    const block =
      line === BEGIN
        ? blockAt(lines, at)
        : // Somebody has taken its beginning away.
          { from: at, to: at + 1, kept: [], altered: false, added: 0 };
    blocks.push(block);
    at = block.to - 1;
  }
  return blocks;
}

function blockAt(lines: readonly string[], from: number): Block {
  const marker = lines.findIndex((line, i) => i > from && [BEGIN, END].includes(bare(line)));
  const rest = lines.slice(from + 1, marker < 0 ? lines.length : marker);
  const notes = rest.map(bare).filter(isNote);
  const [count] = notes.flatMap((note) => (MADE.test(note) ? Number(MADE.exec(note)?.[1] ?? 0) : []));
  const added = notes.filter((note) => note === ENDLESS || note === EMPTY).length;
  const block = { from, added, ...(count !== undefined && { made: count }) };
  const written = rest.filter((line) => !isNote(bare(line)));

  if (marker >= 0 && bare(lines[marker]!) === END) {
    const kept = withoutOurs(written);
    return { ...block, to: marker + 1, kept: kept ?? written, altered: kept === undefined };
  }
  // Its end is missing: cut off, or taken away.
  const whole = isCut(written.at(-1) ?? '') ? written.slice(0, -1) : written;
  const own = ownBeginning(whole);
  const cut = own === whole.length ? written.length - whole.length : 0;
  const to = from + 1 + notes.length + (own ?? 0) + cut;
  return { ...block, to, kept: [], altered: own === undefined };
}

function isNote(line: string): boolean {
  return [ABOUT, ENDLESS, EMPTY].includes(line) || MADE.test(line);
}

/** Whether a line of ours that is no command was cut off. */
function isCut(line: string): boolean {
  return /^#.*$/.test(line) && [ABOUT, ENDLESS, EMPTY, made(1), END].some((ours) => ours.startsWith(line));
}
