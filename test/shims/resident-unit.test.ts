import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNIT, unitText } from '../../src/shims/resident-unit.ts';

const can = spawnSync('systemd-analyze', ['--version']).status === 0;

describe.skipIf(!can)('The unit that keeps an agent, as systemd reads it', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'unit-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** What systemd has against a unit; it looks whether the program is there, too. */
  const verified = (text: string): readonly [status: number | null, said: string] => {
    const file = join(root, UNIT);
    writeFileSync(file, text);
    const { status, stderr } = spawnSync('systemd-analyze', ['--user', 'verify', file], {
      encoding: 'utf8',
      env: { ...process.env, HOME: root, XDG_RUNTIME_DIR: root },
    });
    // Not of other units of this machine.
    return [
      status,
      stderr
        .split('\n')
        .filter((line) => line.includes(root) || line.includes(UNIT))
        .join('\n'),
    ];
  };

  it.each(['node', 'no de', 'n%o d$e'])('runs the program %s', (name) => {
    const program = join(root, name);
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    const text = unitText([program, '--flag=a b', join(root, 'agent.js')], {
      PATH: '/a b:/c"d',
      XDG_CACHE_HOME: '/100%/$HOME',
    });
    expect(verified(text)).toEqual([0, '']);
  });

  it('is not taken where its program is none', () => {
    const [status, said] = verified(unitText([join(root, 'none')], {}));
    expect([status, said]).toEqual([1, expect.stringContaining('none')]);
  });
});
