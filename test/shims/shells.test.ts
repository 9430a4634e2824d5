import { execFileSync, spawnSync, type StdioOptions } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  dockerfileLine,
  firstFromNowOn,
  firstOnPath,
  fitsPath,
  shellNamed,
  type Syntax,
} from '../../src/shims/shells.ts';

const awkward = `/home/o'neill \\\\ \\' \\"x" $HOME \`id\` *[a]?{b,c} #~;&|(\u00E9/shims`;

/** A real shell. */
interface Real {
  readonly name: string;
  readonly command: readonly string[];
  readonly syntax: Syntax;
  /** What prints its PATH. */
  readonly print: string;
}

const posix = [['bash'], ['bash', '--posix'], ['dash'], ['busybox', 'sh'], ['zsh', '-f']].map(
  ([program = '', ...args]): Real => ({
    name: [program, ...args].join(' '),
    // Strict, as a script may be that reads what we write.
    command: [program, ...args, '-euc'],
    syntax: 'posix',
    print: 'printf "%s\\n" "$PATH"',
  }),
);
const fish: Real = {
  name: 'fish',
  command: ['fish', '--no-config', '-c'],
  syntax: 'fish',
  print: 'printf "%s\\n" (string join : $PATH)',
};

/** Runs lines in a shell that has this PATH; what it prints. */
function run({ command: [program = '', ...args] }: Real, path: string, lines: readonly string[]): string {
  const file = execFileSync('which', [program], { encoding: 'utf8' }).trim();
  const env = { HOME: '/dev/null', LANG: 'C.UTF-8', PATH: path };
  // A bash whose stdin is a socket takes itself for a remote one, and reads more files.
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  return execFileSync(file, [...args, lines.join('\n')], { encoding: 'utf8', env, stdio }).replace(/\n$/, '');
}

describe.each([...posix, fish])('$name', (shell) => {
  const lines = firstOnPath(awkward, shell.syntax);

  it.each([
    ['/a:/b', `${awkward}:/a:/b`],
    [`/a:${awkward}:/b`, `${awkward}:/a:/b`],
    [`${awkward}:/a`, `${awkward}:/a`],
    [`/a:${awkward}:${awkward}:/b:${awkward}`, `${awkward}:/a:/b`],
    [awkward, awkward],
    [`/a/${awkward}:${awkward}x`, `${awkward}:/a/${awkward}:${awkward}x`],
    ['relative:/with space', `${awkward}:relative:/with space`],
  ])('has the directory first and once, where the PATH was %s', (path, expected) => {
    expect(run(shell, path, [...lines, ...lines, shell.print])).toBe(expected);
  });

  it('runs the lines for one that is running as well', () => {
    expect(run(shell, '/a', [...firstFromNowOn(awkward, shell.syntax), shell.print])).toBe(`${awkward}:/a`);
  });
});

describe.each(posix)('$name', (shell) => {
  const lines = firstOnPath('/s', 'posix');

  it.each([
    ["''", '/s'],
    [':/a', '/s::/a'],
    ['/a:', '/s:/a:'],
    ['/a::/b', '/s:/a::/b'],
  ])('adds no empty entry, which is the working directory, to the PATH %s', (path, expected) => {
    expect(run(shell, '/usr/bin', [`PATH=${path}`, ...lines, shell.print])).toBe(expected);
  });

  it('takes a PATH that is not set', () => {
    expect(run(shell, '/usr/bin', ['unset PATH', ...lines, shell.print])).toBe('/s');
  });

  it('keeps no variable of ours', () => {
    const print = 'echo "${pyrsia_shims-unset} ${pyrsia_path-unset}"';
    expect(run(shell, '/a', [...lines, print])).toBe('unset unset');
  });

  it('finds a command anew that it had found before', () => {
    const found = [
      'mkdir -p "$d/a" "$d/b"',
      'printf "echo \\$0" >"$d/a/pyrsia-x"',
      'chmod +x "$d/a/pyrsia-x"',
    ];
    const steps = [
      'd=$(mktemp -d)',
      ...found,
      'PATH=$d/b:$d/a:$PATH',
      'pyrsia-x >/dev/null',
      'mv "$d/a/pyrsia-x" "$d/b"',
    ];
    const last = ['echo $(basename $(dirname $(pyrsia-x)))', 'rm -r "$d"'];
    const forget = firstFromNowOn('/s', 'posix').filter((line) => line.startsWith('hash'));
    expect(run(shell, '/usr/bin:/bin', [...steps, ...forget, ...last])).toBe('b');
  });
});

it('Coming first starts no process', () => {
  const text = firstOnPath('/s', 'posix').join('\n');
  const { stderr } = spawnSync('strace', ['-f', '-e', 'trace=process', 'bash', '-c', text], {
    encoding: 'utf8',
  });
  expect(stderr).toContain('exited with 0');
  expect(stderr).not.toMatch(/clone|fork/);
});

describe('a name of a shell', () => {
  it.each([
    ['/bin/bash', 'bash'],
    ['/usr/local/bin/zsh', 'zsh'],
    ['-bash', 'bash'],
    ['fish', 'fish'],
    ['/usr/bin/pwsh', 'powershell'],
    [String.raw`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, 'powershell'],
    [String.raw`C:\Program Files\Git\usr\bin\bash.exe`, 'bash'],
    ['/bin/tcsh', undefined],
    ['', undefined],
  ] as const)('%s means %s', (text, shell) => expect(shellNamed(text)).toBe(shell));
});

it('PowerShell gets text in which nothing stands for something else, typographic quotes included', () => {
  expect(firstOnPath("C:\\Users\\O'N \u2019x $env:A\\shims", 'powershell')).toEqual([
    "$pyrsiaShims = 'C:\\Users\\O''N \u2019\u2019x $env:A\\shims'",
    '$pyrsiaPath = @($env:PATH -split [IO.Path]::PathSeparator | Where-Object { $_ -and $_ -ne $pyrsiaShims })',
    '$env:PATH = (@($pyrsiaShims) + $pyrsiaPath) -join [IO.Path]::PathSeparator',
    'Remove-Variable pyrsiaShims, pyrsiaPath',
  ]);
});

it('A Dockerfile gets a line in which only the PATH stands for something else', () => {
  expect(dockerfileLine('/root/a b$c"d\\e/shims')).toBe(
    String.raw`ENV PATH="/root/a b\$c\"d\\e/shims:$PATH"`,
  );
});

describe('a directory', () => {
  it.each([
    ['/home/a b/shims', ':', true],
    ['/home/a:b/shims', ':', false],
    ['C:\\shims', ';', true],
    ['C:\\a;b', ';', false],
    ['/home/a\nb', ':', false],
  ])('%j in a PATH that is separated by %s: %s', (directory, separator, can) =>
    expect(fitsPath(directory, separator)).toBe(can),
  );
});
