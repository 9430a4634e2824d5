import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginShell, openHome } from '../../src/shims/ask-shells.ts';
import { addToPath, azureLine, leavePath, pathFiles, statesOf } from '../../src/shims/on-path.ts';
import type { Shell } from '../../src/shims/shells.ts';

const shims = '/home/me/shims';
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pyr-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const at = (name: string): string => join(home, name);
const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  HOME: home,
  PATH: process.env['PATH'],
  ...more,
});
const filesOf = (shell: Shell, more?: NodeJS.ProcessEnv) => pathFiles(shell, openHome(env(more), [shell]));
const outcomes = (edited: ReturnType<typeof addToPath>) => edited.map(({ outcome }) => outcome);

describe('a CI service', () => {
  it('with a list of directories gets a line in it, and nothing else is written', () => {
    writeFileSync(at('list'), '/other');
    const more = { GITHUB_PATH: at('list'), BASH_ENV: at('bash-env') };
    const files = filesOf('bash', more);
    expect(outcomes(addToPath(files, shims))).toEqual(['added']);
    expect(outcomes(addToPath(files, shims))).toEqual(['unchanged']);
    expect(readFileSync(at('list'), 'utf8')).toBe(`/other\n${shims}\n`);
    expect(statesOf(files, shims)).toEqual([{ path: at('list'), state: 'current' }]);

    leavePath(env(more), shims);
    expect(readFileSync(at('list'), 'utf8')).toBe('/other\n');
    expect(existsSync(at('.bashrc'))).toBe(false);
  });

  it('whose steps read $BASH_ENV gets the lines there', () => {
    const more = { CIRCLECI: 'true', BASH_ENV: at('bash-env') };
    expect(filesOf('bash', more)).toEqual([{ path: at('bash-env'), syntax: 'posix' }]);
    addToPath(filesOf('bash', more), shims);
    expect(readFileSync(at('bash-env'), 'utf8')).toContain(shims);
    leavePath(env(more), shims);
    expect(existsSync(at('bash-env'))).toBe(false);
  });

  it('that reads our output gets no file', () => {
    expect(filesOf('bash', { TF_BUILD: 'True' })).toEqual([]);
    expect(azureLine(shims, { TF_BUILD: 'True' })).toBe(`##vso[task.prependpath]${shims}`);
    expect(azureLine(shims, {})).toBeUndefined();
  });
});

describe('a file', () => {
  it('that is none, such as /dev/null, is passed over', () => {
    const more = { BASH_ENV: '/dev/null' };
    expect(filesOf('bash', more).map(({ path }) => path)).toEqual([at('.bashrc'), at('.profile')]);
    expect(outcomes(leavePath(env(more), shims))).not.toContain('failed');
  });

  it('that fails does not keep the others from it', () => {
    writeFileSync(at('.bashrc'), '', { mode: 0o444 });
    expect(addToPath(filesOf('bash'), shims)).toEqual([
      { path: at('.bashrc'), outcome: 'failed', reason: 'it is read-only' },
      { path: at('.profile'), outcome: 'added' },
    ]);
    chmodSync(at('.bashrc'), 0o644);
  });

  it('in which somebody changed our lines is told of, and stays', () => {
    addToPath(filesOf('bash'), shims);
    const changed = readFileSync(at('.bashrc'), 'utf8').replace('export PATH', '# export PATH');
    writeFileSync(at('.bashrc'), changed);
    expect(outcomes(addToPath(filesOf('bash'), shims))).toEqual(['altered', 'unchanged']);
    expect(readFileSync(at('.bashrc'), 'utf8')).toBe(changed);
    const left = leavePath(env(), shims).find(({ path }) => path === at('.bashrc'));
    expect(left).toMatchObject({
      outcome: 'altered',
      kept: expect.arrayContaining([expect.stringContaining('# export')]),
    });
  });

  it('that a shell read before and does not read now is cleaned, too', () => {
    addToPath(filesOf('bash'), shims);
    addToPath(filesOf('fish'), shims);
    mkdirSync(at('z'));
    addToPath(filesOf('zsh', { ZDOTDIR: at('z') }), shims);
    writeFileSync(at('.bash_profile'), '');
    const removed = leavePath(env({ ZDOTDIR: at('z') }), shims).filter(
      ({ outcome }) => outcome === 'removed',
    );
    expect(removed.map(({ path }) => path).toSorted()).toEqual(
      ['.bashrc', '.config/fish/config.fish', '.profile', 'z/.zprofile', 'z/.zshrc'].map(at).toSorted(),
    );
    expect(existsSync(at('.config'))).toBe(false);
  });
});

it.each([
  [{ SHELL: '/bin/zsh' }, 'linux', '/bin/zsh'],
  [{ SHELL: '/usr/sbin/nologin' }, 'linux', 'sh'],
  [{ SHELL: '/bin/false' }, 'linux', 'sh'],
  [{}, 'win32', 'powershell'],
  [{ SHELL: '/usr/bin/bash' }, 'win32', '/usr/bin/bash'],
] as const)('The shell of %j on %s is %s', (variables, platform, shell) => {
  expect(loginShell(variables, platform)).toBe(shell);
});

describe('zsh', () => {
  it('is asked where its files are, since only .zshenv may know', () => {
    mkdirSync(at('z'));
    writeFileSync(at('.zshenv'), `echo hello; ZDOTDIR=${at('z')}\n`);
    expect(filesOf('zsh').map(({ path }) => path)).toEqual([at('z/.zshrc'), at('z/.zprofile')]);
  });

  it.each(['exit 3', 'exec sleep 60', 'kill -9 $$'])(
    'that does not answer (%s) is taken to be as usual',
    { timeout: 60_000 },
    (text) => {
      writeFileSync(at('.zshenv'), `${text}\n`);
      expect(filesOf('zsh').map(({ path }) => path)).toEqual([at('.zshrc'), at('.zprofile')]);
    },
  );
});
