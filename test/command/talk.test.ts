import { describe, expect, it } from 'vitest';
import { splitExec, delimited } from '../../src/command/exec-arguments.ts';
import { facts, table } from '../../src/command/table.ts';
import { harmless, isLively, wantsColour } from '../../src/command/talk.ts';

describe('text that others chose', () => {
  it('cannot steer a terminal, nor turn its writing around', () => {
    expect(harmless('a\u001B[31mb\u009Bc\rd\u202Ee')).toBe('a\u{FFFD}[31mb\u{FFFD}c\u{FFFD}d\u{FFFD}e');
  });

  it('keeps lines, tabs and every language', () => {
    expect(harmless('one\n\ttwo žluťoučký 日本 🎉')).toBe('one\n\ttwo žluťoučký 日本 🎉');
  });
});

describe('a terminal', () => {
  const terminal = { isTTY: true };
  it.each([
    [terminal, {}, true],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { TERM: 'dumb' }, false],
    [terminal, { CI: 'true' }, false],
    [{}, {}, false],
  ])('%j with %j is lively: %j', (stream, env, lively) => {
    expect(isLively(stream, env)).toBe(lively);
    expect(wantsColour(stream, env)).toBe(lively);
  });

  it.each([
    [{}, { FORCE_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
  ])('%j with %j is coloured: %j', (stream, env, coloured) => {
    expect(wantsColour(stream, env)).toBe(coloured);
  });
});

describe('tables', () => {
  it('are as wide as their cells, numbers to the right', () => {
    const columns = [{ heading: 'NAME' }, { heading: 'SIZE', right: true }, { heading: 'USED' }];
    expect(
      table(columns, [
        ['left-pad', '1 kB', 'now'],
        ['a', '20.5 MB', ''],
      ]),
    ).toBe(['NAME         SIZE  USED', 'left-pad     1 kB  now', 'a         20.5 MB  '].join('\n'));
  });

  it('of facts leave out what is not known', () => {
    const rows = [
      ['purl', 'p'],
      ['size', undefined],
      ['upstream', 'u'],
    ] as const;
    expect(facts(rows)).toBe('purl      p\nupstream  u');
  });
});

describe('the words of pyrsia exec', () => {
  it.each([
    [['npm', 'ci'], [], ['npm', 'ci']],
    [['--', 'npm', 'run', 'x', '--', '--y'], [], ['npm', 'run', 'x', '--', '--y']],
    [['--json', '--', 'npm'], ['--json'], ['npm']],
    [['--json', 'npm', '--json'], ['--json'], ['npm', '--json']],
    [['npm', '--', '--json'], [], ['npm', '--', '--json']],
    [['--'], [], []],
    [['--help'], ['--help'], []],
  ])('%j are ours %j and the command’s %j', (argv, own, command) => {
    expect(splitExec(argv)).toEqual({ own, command });
  });

  it('are told apart before anybody looks for --help', () => {
    expect(delimited(['exec', 'npm', '--help'])).toEqual(['exec', '--', 'npm', '--help']);
    expect(delimited(['cache', 'ls'])).toEqual(['cache', 'ls']);
  });
});
