import { describe, expect, it } from 'vitest';
import { allRcFiles, type Home, rcFiles } from '../../src/shims/rc-files.ts';
import { type Shell, SHELLS } from '../../src/shims/shells.ts';

const home = (
  more: Partial<Omit<Home, 'exists'>> & { readonly existing?: readonly string[] } = {},
): Home => ({
  platform: 'linux',
  directory: '/home/a b',
  env: {},
  told: {},
  ...more,
  exists: (path) => (more.existing ?? []).some((name) => path === `/home/a b/${name}`),
});
const paths = (shell: Shell, where?: Parameters<typeof home>[0]): string[] =>
  rcFiles(shell, home(where)).map(({ path }) => path.replace('/home/a b/', '~/'));

describe('bash', () => {
  it.each([
    [[], '.profile'],
    [['.profile'], '.profile'],
    [['.bash_profile', '.profile'], '.bash_profile'],
    [['.bash_login', '.profile'], '.bash_login'],
    [['.bash_profile', '.bash_login'], '.bash_profile'],
  ])('reads .bashrc, and of %j the first when somebody logs in', (existing, login) => {
    expect(paths('bash', { existing })).toEqual(['~/.bashrc', `~/${login}`]);
  });

  it('reads $BASH_ENV where nobody types, if that can be found', () => {
    expect(paths('bash', { env: { BASH_ENV: '/ci/env' } })).toContain('/ci/env');
    expect(paths('bash', { env: { BASH_ENV: '$HOME/env' } })).toEqual(['~/.bashrc', '~/.profile']);
  });
});

describe('zsh', () => {
  it.each([
    [{}, '~'],
    [{ env: { ZDOTDIR: '/z' } }, '/z'],
    [{ env: { ZDOTDIR: '/z' }, told: { zsh: '/told' } }, '/told'],
  ])('reads .zshrc and .zprofile of %j in %s', (where, directory) => {
    expect(paths('zsh', where)).toEqual([`${directory}/.zshrc`, `${directory}/.zprofile`]);
  });
});

describe('other shells', () => {
  it.each([
    ['fish', {}, ['~/.config/fish/config.fish']],
    ['fish', { env: { XDG_CONFIG_HOME: '/c' } }, ['/c/fish/config.fish']],
    ['fish', { env: { XDG_CONFIG_HOME: 'relative' } }, ['~/.config/fish/config.fish']],
    ['sh', {}, ['~/.profile']],
    ['dash', { env: { ENV: '/home/a b/.shrc' } }, ['~/.profile', '~/.shrc']],
    ['ash', {}, ['~/.profile']],
    ['ksh', {}, ['~/.profile', '~/.kshrc']],
    ['ksh', { env: { ENV: '/k' } }, ['~/.profile', '/k']],
    ['mksh', {}, ['~/.profile', '~/.mkshrc']],
    ['powershell', {}, ['~/.config/powershell/profile.ps1']],
  ] as const)('%s with %j reads %j', (shell, where, expected) => {
    expect(paths(shell, where)).toEqual(expected);
  });
});

describe('on Windows', () => {
  const where = { platform: 'win32', directory: String.raw`C:\Users\O'N` } as const;

  it('there are two PowerShells, each with a file for all of its hosts', () => {
    expect(paths('powershell', where)).toEqual([
      String.raw`C:\Users\O'N\Documents\PowerShell\profile.ps1`,
      String.raw`C:\Users\O'N\Documents\WindowsPowerShell\profile.ps1`,
    ]);
  });

  it('PowerShell knows best where its file is', () => {
    const told = { powershell: String.raw`D:\Cloud\profile.ps1` };
    expect(paths('powershell', { ...where, told })).toEqual([told.powershell]);
  });
});

describe('all files', () => {
  const where = home({ env: { ZDOTDIR: '/z', BASH_ENV: '/e', ENV: '/home/a b/.profile' } });
  const all = allRcFiles(where).map(({ path }) => path);

  it('are those that any shell reads now, each once', () => {
    expect(all).toEqual(
      expect.arrayContaining(SHELLS.flatMap((shell) => rcFiles(shell, where).map(({ path }) => path))),
    );
    expect(new Set(all).size).toBe(all.length);
  });

  it('and those that one may have read before', () => {
    expect(all).toEqual(
      expect.arrayContaining(
        ['.bash_profile', '.bash_login', '.zshrc', '.zprofile'].map((name) => `/home/a b/${name}`),
      ),
    );
  });
});
