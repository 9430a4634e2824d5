import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTool } from '../../src/shims/find-tool.ts';

describe('A tool', () => {
  let root: string;
  const at = (...parts: string[]) => join(root, ...parts);
  const path = (...directories: string[]) => directories.map((directory) => at(directory)).join(delimiter);

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'pyrsia-find-'));
    for (const directory of ['shims', 'plain', 'real', 'later', 'folder/tool'])
      mkdirSync(at(directory), { recursive: true });
    for (const file of ['shims/tool', 'plain/tool', 'real/tool', 'later/tool', 'later/win.CMD'])
      writeFileSync(at(file), '');
    for (const file of ['shims/tool', 'real/tool', 'later/tool', 'later/win.CMD']) chmodSync(at(file), 0o755);
    symlinkSync(at('real', 'tool'), at('later', 'linked'));
    symlinkSync(at('nowhere'), at('real', 'linked'));
    symlinkSync(at('shims'), at('linked-shims'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('is the first executable of its name', () => {
    expect(findTool('tool', path('missing', 'real', 'later'))).toBe(at('real', 'tool'));
    expect(findTool('tool', path('later', 'real'))).toBe(at('later', 'tool'));
  });

  it.skipIf(process.getuid?.() === undefined)('is no folder, no plain file and no dangling link', () => {
    expect(findTool('tool', path('folder', 'plain', 'real'))).toBe(at('real', 'tool'));
    expect(findTool('linked', path('real', 'later'))).toBe(at('later', 'linked'));
  });

  it('is not our own shim, however its folder is spelled', () => {
    expect(findTool('tool', path('shims', 'real'), { skip: [at('plain', '..', 'shims', '')] })).toBe(
      at('real', 'tool'),
    );
    expect(findTool('tool', `${at('shims')}/`, { skip: [at('shims')] })).toBeUndefined();
    expect(findTool('tool', path('linked-shims', 'real'), { skip: [at('shims')] })).toBe(at('real', 'tool'));
    expect(findTool('tool', path('shims', 'real'), { skip: [at('linked-shims')] })).toBe(at('real', 'tool'));
    expect(findTool('tool', path('real'), { skip: [at('nowhere')] })).toBe(at('real', 'tool'));
  });

  it('is not looked for in a relative folder, unless it is said what to', () => {
    expect(findTool('tool', 'real')).toBeUndefined();
    expect(findTool('tool', ['', 'real'].join(delimiter), { cwd: root })).toBe(at('real', 'tool'));
    expect(findTool('tool', relative(process.cwd(), at('real')))).toBeUndefined();
  });

  it('has one of the endings that Windows gives it', () => {
    expect(findTool('win', path('later'), { endings: '.EXE;.CMD' })).toBe(at('later', 'win.CMD'));
    expect(findTool('win', path('later'))).toBeUndefined();
  });

  it('may not be there at all', () => {
    expect(findTool('tool', undefined)).toBeUndefined();
    expect(findTool('tool', '')).toBeUndefined();
    expect(findTool('other', path('real'))).toBeUndefined();
  });
});
