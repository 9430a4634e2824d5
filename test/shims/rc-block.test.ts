import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { addBlock, blockState, removeBlocks } from '../../src/shims/rc-block.ts';
import type { Syntax } from '../../src/shims/shells.ts';

const posix = { directory: "/home/o'neill $x/shims", syntax: 'posix' } as const;
const syntaxes: readonly Syntax[] = ['posix', 'fish', 'powershell'];
const block = addBlock('', posix);
const lines = block.split('\n').slice(0, -1);

describe('a file of a shell', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'));
  const shellish = fc
    .array(fc.constantFrom('export A=b', '\n', '\r\n', '#', "'", ' ', '\\', 'fi', '\u00E9'), {
      maxLength: 20,
    })
    .map((parts) => parts.join(''));
  const text = fc.option(fc.oneof(bytes, shellish), { nil: undefined });
  const wanted = fc.record({
    directory: fc.string({ unit: 'grapheme' }),
    syntax: fc.constantFrom(...syntaxes),
  });

  test.prop([text, wanted])('is byte for byte what it was when our block is out again', (before, what) => {
    fc.pre(!/[\n\r]/.test(what.directory));
    const added = addBlock(before, what);
    expect(blockState(added, what)).toBe('current');
    expect(addBlock(added, what)).toBe(added);
    expect(removeBlocks(added)).toEqual({ text: before, directories: 0, kept: [], altered: false });
  });

  test.prop([shellish, shellish])('keeps what others put before and after the block', (before, after) => {
    fc.pre(after !== '');
    const added = addBlock(before, posix);
    // With the line ends that keep them apart.
    const whole = added.slice(0, added.indexOf('# >>> pyrsia'));
    expect(whole.startsWith(before) && whole.slice(before.length).trim()).toBe('');
    expect(removeBlocks(`${added}${after}`).text).toBe(`${whole}${after}`);
    expect(removeBlocks(`${after}\n${addBlock(before, posix)}`).text).toBe(`${after}\n${before}`);
  });

  it.each(syntaxes)(
    'gets one block for another directory or a later version of it, at its end (%s)',
    (syntax) => {
      const old = addBlock('a', { directory: '/old', syntax });
      const anew = { directory: '/new', syntax };
      expect(blockState(`${old}b\n`, anew)).toBe('outdated');
      expect(addBlock(`${old}b\n`, anew)).toBe(`a\nb\n${addBlock('', anew)}`);
      expect(removeBlocks(addBlock(old, anew)).text).toBe('a');
    },
  );

  it('that was made for the block is to go again, and the directories that were made for it', () => {
    const made = addBlock(undefined, posix, 2);
    expect(removeBlocks(made)).toMatchObject({ text: undefined, directories: 2 });
    expect(removeBlocks(addBlock(made, { ...posix, directory: '/new' }))).toMatchObject({
      text: undefined,
      directories: 2,
    });
    expect(removeBlocks(`${made}alias a=b\n`)).toMatchObject({ text: 'alias a=b\n' });
  });

  it.each(['A=b\\', 'A=b\\\n', 'A=b\\\r\n', '$a = `'])('does not go on into our block (%j)', (before) => {
    const added = addBlock(before, posix);
    expect(added).toMatch(/^[^\n]*\n\r?\n# >>> pyrsia >>>\n/);
    expect(removeBlocks(added).text).toBe(before);
    expect(removeBlocks(`${added}theirs\n`).text).toMatch(/\n\r?\ntheirs\n$/);
  });

  it('has one block where there were several', () => {
    const twice = `a\n${block}b\n${block}`;
    expect(blockState(twice, posix)).toBe('outdated');
    expect(addBlock(twice, posix)).toBe(`a\nb\n${block}`);
    expect(removeBlocks(twice).text).toBe('a\nb\n');
    expect(removeBlocks(`${addBlock('a', posix)}${block}`).text).toBe('a');
  });
});

describe('lines that somebody wrote into our block', () => {
  it('stay where they were, and are named', () => {
    const edited = [
      'a',
      ...lines.slice(0, 3),
      'theirs # \u00E9',
      ...lines.slice(3, -1),
      'too',
      lines.at(-1),
      'b\n',
    ];
    const text = edited.join('\n');
    expect(blockState(text, posix)).toBe('current');
    expect(addBlock(text, posix)).toBe(text);
    expect(removeBlocks(text)).toEqual({
      text: 'a\ntheirs # \u00E9\ntoo\nb\n',
      directories: 0,
      kept: ['theirs # \u00E9', 'too'],
      altered: false,
    });
  });

  it('keep a file that was made for the block', () => {
    const made = addBlock(undefined, posix).split('\n');
    const text = made.toSpliced(4, 0, 'theirs').join('\n');
    expect(removeBlocks(text).text).toBe('theirs\n');
  });

  it.each(lines.slice(2, -1).map((_, i) => i + 2))(
    'in place of line %i of ours leave all of ours as they are, since a part could do harm',
    (at) => {
      const changed = lines.with(at, `# ${lines[at]}`);
      const text = `a\n${changed.join('\n')}\n`;
      expect(blockState(text, posix)).toBe('altered');
      expect(addBlock(text, posix)).toBe(text);
      expect(removeBlocks(text)).toMatchObject({
        text: `a\n${changed.slice(2, -1).join('\n')}\n`,
        altered: true,
      });
    },
  );

  it('none, when an editor has only changed the line ends', () => {
    const text = addBlock('a\n', posix).replaceAll('\n', '\r\n');
    expect(removeBlocks(text)).toMatchObject({ text: 'a\r\n', kept: [], altered: false });
    expect(removeBlocks(addBlock('a', posix).replaceAll('\n', '\r\n')).text).toBe('a');
  });
});

describe('a block that is not whole', () => {
  it.each(syntaxes)('is taken out wherever it was cut off (%s)', (syntax) => {
    const wanted = { ...posix, syntax };
    for (const before of ['a\n', 'a', 'a\\']) {
      const text = addBlock(before, wanted);
      const cuts = Array.from(text, (_, i) => i).filter((i) => text.slice(0, i).includes('pyrsia >>>'));
      for (const cut of cuts) {
        const { text: left, altered } = removeBlocks(text.slice(0, cut));
        expect([left?.trimEnd(), altered], text.slice(0, cut)).toEqual([before.trimEnd(), false]);
        expect(removeBlocks(addBlock(text.slice(0, cut), wanted)).text?.trimEnd()).toBe(before.trimEnd());
      }
    }
  });

  it('is taken out without its beginning or its end', () => {
    expect(removeBlocks(`a\n${lines.slice(0, -1).join('\n')}\nb\n`).text).toBe('a\nb\n');
    expect(removeBlocks(`a\n${lines.at(-1)}\nb\n`).text).toBe('a\nb\n');
  });

  it('and changed stays as it is', () => {
    const text = `a\n${lines.slice(0, 3).join('\n')}\ntheirs\n${lines.slice(3, -1).join('\n')}\n`;
    expect(removeBlocks(text)).toMatchObject({ altered: true });
    expect(removeBlocks(text).text).toContain(`theirs\n${lines[3]}\n`);
  });
});
