/**
 * How a directory becomes the first of the PATH, in the languages of shells. Each text removes the directory
 * from wherever else it stands, so it may run any number of times; it starts no process.
 *
 * @module
 */
import { win32 } from 'node:path';

/** The shells that we write for. */
export const SHELLS = ['bash', 'zsh', 'fish', 'sh', 'dash', 'ash', 'ksh', 'mksh', 'powershell'] as const;

/** A shell by name. */
export type Shell = (typeof SHELLS)[number];

/** What a shell's lines are written in. */
export type Syntax = 'posix' | 'fish' | 'powershell';

/** One of these languages. */
interface Language {
  /** `text` as one word, whatever is in it. */
  readonly quote: (text: string) => string;
  /** The line that gives a variable to whatever the shell starts; the value is one word. */
  readonly assign: (name: string, value: string) => string;
  /** Lines that put a directory first, given as one word; only the first of them names it. */
  readonly lines: (directory: string) => readonly string[];
  /** What makes a shell that is running look for commands anew, where it remembers them. */
  readonly forget?: string;
  /** What a user types so that the shell that is running has the directory first. */
  readonly evaluate: string;
}

const languages: Readonly<Record<Syntax, Language>> = {
  posix: {
    quote: (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`,
    assign: (name, value) => `export ${name}=${value}`,
    lines: (directory) => [
      `pyrsia_shims=${directory}`,
      'pyrsia_path=":${PATH-}:"',
      'while case $pyrsia_path in *":$pyrsia_shims:"*) ;; *) false ;; esac; do',
      '  pyrsia_path=${pyrsia_path%%":$pyrsia_shims:"*}:${pyrsia_path#*":$pyrsia_shims:"}',
      'done',
      'pyrsia_path=${pyrsia_path#:}',
      'pyrsia_path=${pyrsia_path%:}',
      'export PATH="$pyrsia_shims${pyrsia_path:+:$pyrsia_path}"',
      'unset pyrsia_shims pyrsia_path',
    ],
    forget: 'hash -r',
    evaluate: 'eval "$(pyrsia env)"',
  },
  fish: {
    quote: (text) => `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`,
    assign: (name, value) => `set -gx ${name} ${value}`,
    lines: (directory) => [
      `set -l pyrsia_shims ${directory}`,
      'while set -l pyrsia_at (contains -i -- $pyrsia_shims $PATH)',
      '  set -e PATH[$pyrsia_at]',
      'end',
      'set -gx PATH $pyrsia_shims $PATH',
    ],
    evaluate: 'pyrsia env --shell fish | source',
  },
  powershell: {
    // It takes typographic quotes for quotes.
    quote: (text) => `'${text.replaceAll(/['\u2018-\u201B]/g, '$&$&')}'`,
    assign: (name, value) => `$env:${name} = ${value}`,
    lines: (directory) => [
      `$pyrsiaShims = ${directory}`,
      '$pyrsiaPath = @($env:PATH -split [IO.Path]::PathSeparator | Where-Object { $_ -and $_ -ne $pyrsiaShims })',
      '$env:PATH = (@($pyrsiaShims) + $pyrsiaPath) -join [IO.Path]::PathSeparator',
      'Remove-Variable pyrsiaShims, pyrsiaPath',
    ],
    evaluate: 'pyrsia env --shell powershell | Out-String | Invoke-Expression',
  },
};

/** The languages that there are. */
export const SYNTAXES: readonly Syntax[] = ['posix', 'fish', 'powershell'];

/** The language of `shell`. */
export function syntaxOf(shell: Shell): Syntax {
  return shell === 'fish' || shell === 'powershell' ? shell : 'posix';
}

/** The shell that a path or a name such as `/usr/bin/zsh`, `-bash` or `pwsh.exe` means; undefined when we do not know it. */
export function shellNamed(text: string): Shell | undefined {
  const name = win32
    .basename(text)
    .replace(/^-/, '')
    .replace(/\.exe$/i, '');
  return name === 'pwsh' ? 'powershell' : SHELLS.find((shell) => shell === name);
}

/** Whether `directory` can be an entry of a PATH, in which nothing is quoted. */
export function fitsPath(directory: string, separator: string): boolean {
  return !directory.includes(separator) && !/\p{Cc}/u.test(directory);
}

/** The lines that put `directory` first. Only the first of them names it, and as its end. */
export function firstOnPath(directory: string, syntax: Syntax): readonly string[] {
  const { quote, lines } = languages[syntax];
  return lines(quote(directory));
}

/** The lines for a shell that is running, which may remember where it found a command. */
export function firstFromNowOn(directory: string, syntax: Syntax): readonly string[] {
  return [...firstOnPath(directory, syntax), ...[languages[syntax].forget ?? []].flat()];
}

/** What a user types so that the shell that is running has the directory first. */
export function evaluating(shell: Shell): string {
  return languages[syntaxOf(shell)].evaluate;
}

/** The lines that give these variables to whatever a shell starts from now on. */
export function assigning(variables: Readonly<Record<string, string>>, syntax: Syntax): readonly string[] {
  const { assign, quote } = languages[syntax];
  return Object.entries(variables).map(([name, value]) => assign(name, quote(value)));
}

/** The line of a Dockerfile that makes `directory` the first of the PATH in what is built from it. */
export function dockerfileLine(directory: string): string {
  return `ENV PATH="${directory.replaceAll(/[\\"$]/g, String.raw`\$&`)}:$PATH"`;
}
