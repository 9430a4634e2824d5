import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tools } from '../../src/ecosystems/tools.ts';
import type { ShimState } from '../../src/shims/shim-states.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openTerminal } from '../support/terminal.ts';
import { unprivileged } from '../support/user.ts';

let sandbox: Sandbox;
/** A home whose path is no plain word. */
let home: string;
beforeEach(() => {
  sandbox = openSandbox();
  home = join(sandbox.root, `o'neill "x" $HOME`);
  mkdirSync(home);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const at = (...names: string[]): string => join(home, ...names);
const shims = (): string => at('.local/share/pyrsia/shims');
const read = (name: string): string => readFileSync(at(name), 'latin1');

const pyrsia = (words: string, env: Readonly<Record<string, string | undefined>> = {}) =>
  sandbox.pyrsia(words.split(' '), { cwd: home, env: { HOME: home, SHELL: '/bin/bash', ...env } });

/** Everything below the home: kinds, modes, contents. */
function everything(): Record<string, string> {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    names.toSorted().map((name) => {
      const stat = lstatSync(at(name));
      const content = stat.isSymbolicLink()
        ? readlinkSync(at(name))
        : stat.isFile()
          ? readFileSync(at(name), 'base64')
          : '';
      return [name, `${stat.mode.toString(8)} ${stat.nlink} ${content}`];
    }),
  );
}

/** How a shell is started, and what it reads then. */
const shells = [
  ['bash', 'bash -ic'],
  ['bash', 'bash -lc'],
  ['bash', 'bash -lic'],
  ['zsh', 'zsh -ic'],
  ['zsh', 'zsh -lc'],
  ['fish', 'fish -c'],
  ['fish', 'fish -ic'],
  ['fish', 'fish -lc'],
  ['dash', 'dash -lc'],
  ['sh', 'sh -lc'],
  ['ash', 'busybox sh -lc'],
] as const;

describe.each(shells)('a new %s (%s)', (shell, command) => {
  const words = command.split(' ') as [string, ...string[]];
  /** The PATH that a shell has, and where it finds npm; in a shell that a shell has started. */
  async function look(depth = 1): Promise<{ readonly npm: string; readonly path: string[] }> {
    const list = shell === 'fish' ? '(string join : $PATH)' : '"$PATH"';
    writeFileSync(at('look'), `command -v npm\nprintf '%s\\n' ${list}\n`);
    // The text of the innermost is a file, so that nothing has to be quoted over and over.
    const text = Array.from({ length: depth - 1 }).reduce<string>(
      (inner) => `${command} '${inner.replaceAll("'", String.raw`'\''`)}'`,
      '. ./look',
    );
    const [program, ...args] = words;
    const { stdout, stderr } = await sandbox.run(program, [...args, text], {
      cwd: home,
      env: { HOME: home, SHELL: `/bin/${shell}`, ZDOTDIR: undefined },
    });
    const [npm = stderr, path = ''] = stdout.trimEnd().split('\n').slice(-2);
    return { npm, path: path.split(delimiter) };
  }

  it('has the shim, first on the PATH and once, however deep it is nested', async () => {
    const { code, stderr } = await pyrsia('shim install npm npx', { SHELL: `/bin/${shell}` });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    for (const depth of [1, 3]) {
      const { npm, path } = await look(depth);
      expect(npm).toBe(join(shims(), 'npm'));
      expect(path[0]).toBe(shims());
      expect(path.filter((entry) => entry === shims())).toHaveLength(1);
      expect(path.length).toBeGreaterThan(1);
    }
    await pyrsia('shim uninstall', { SHELL: `/bin/${shell}` });
    expect((await look()).path).not.toContain(shims());
  });

  it('has it first where the user’s own lines put others first', async () => {
    const theirs = shell === 'fish' ? 'set -gx PATH /theirs $PATH\n' : 'PATH=/theirs:$PATH\n';
    const names = ['.bashrc', '.profile', '.zshrc', '.zprofile', '.config/fish/config.fish'];
    mkdirSync(join(sandbox.env['XDG_CONFIG_HOME']!, 'fish'), { recursive: true });
    for (const name of names) {
      const path = name.startsWith('.config')
        ? join(sandbox.env['XDG_CONFIG_HOME']!, name.slice(8))
        : at(name);
      writeFileSync(path, theirs);
    }
    await pyrsia('shim install npm', { SHELL: `/bin/${shell}` });
    for (const depth of [1, 2]) {
      const { npm, path } = await look(depth);
      expect([npm, path[0]]).toEqual([join(shims(), 'npm'), shims()]);
      expect(path).toContain('/theirs');
    }
  });
});

describe('files of a shell', () => {
  const bad: Readonly<Record<string, () => void>> = {
    'are not there': () => {},
    'are empty': () => writeFileSync(at('.bashrc'), ''),
    'end without a line end': () => writeFileSync(at('.bashrc'), 'alias a=b'),
    'have the line ends of Windows': () => writeFileSync(at('.bashrc'), '# a\r\n# b\r\n'),
    'are in no known encoding': () =>
      writeFileSync(at('.bashrc'), Buffer.from([0x23, 0xe9, 0xff, 0x0a, 0x23, 0x80])),
    'are links': () => {
      mkdirSync(at('dotfiles'));
      writeFileSync(at('dotfiles/bashrc'), '# mine\n');
      symlinkSync('dotfiles/bashrc', at('.bashrc'));
      symlinkSync('.bashrc', at('.profile'));
    },
    'have several names': () => {
      writeFileSync(at('.bashrc'), '# mine\n');
      linkSync(at('.bashrc'), at('backup'));
    },
    'are private': () => {
      writeFileSync(at('.bashrc'), '# mine\n');
      chmodSync(at('.bashrc'), 0o600);
    },
  };

  it.each(Object.entries(bad))(
    'that %s are byte for byte what they were when the shims are gone',
    async (_, prepare) => {
      prepare();
      const before = everything();
      expect(await pyrsia('shim install npm')).toMatchObject({ code: 0 });
      expect(read('.bashrc')).toContain('# >>> pyrsia >>>');
      const installed = everything();
      expect(await pyrsia('shim install npm')).toMatchObject({ code: 0 });
      expect(everything()).toEqual(installed);
      expect(await pyrsia('shim uninstall')).toMatchObject({ code: 0 });
      expect(everything()).toEqual(before);
    },
  );

  it('are shown with what goes into them before they are written', async () => {
    const { stderr } = await pyrsia('shim install npm');
    expect(stderr).toContain(
      `these lines go into ${at('.bashrc')} and ${at('.profile')}:\n# >>> pyrsia >>>\n`,
    );
    expect(stderr).toContain(read('.bashrc').split('\n').slice(3).join('\n'));
    expect((await pyrsia('shim install npm')).stderr).not.toContain('pyrsia >>>');
  });

  it('that are read-only stay so; the lines are shown, and all else is done', async () => {
    writeFileSync(at('.bashrc'), '# mine\n', { mode: 0o444 });
    const { code, stderr } = await pyrsia('shim install npm');
    expect(code).toBe(1);
    expect(stderr).toContain(`pyrsia: Cannot write ${at('.bashrc')}: it is read-only\n`);
    expect(stderr).toMatch(/by hand:\n# >>> pyrsia >>>\n[^]*# <<< pyrsia <<<\n/);
    expect([read('.bashrc'), statSync(at('.bashrc')).mode & 0o777]).toEqual(['# mine\n', 0o444]);
    expect(read('.profile')).toContain(shims().replaceAll("'", String.raw`'\''`));
    expect(existsSync(join(shims(), 'npm'))).toBe(true);
  });

  it('that have become read-only are named when the shims go, and all else is done', async () => {
    await pyrsia('shim install npm');
    chmodSync(at('.bashrc'), 0o444);
    const { code, stderr } = await pyrsia('shim uninstall');
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot write ${at('.bashrc')}: it is read-only`);
    expect([existsSync(shims()), existsSync(at('.profile'))]).toEqual([false, false]);
    chmodSync(at('.bashrc'), 0o644);
    expect(await pyrsia('shim uninstall')).toMatchObject({ code: 0 });
    expect(existsSync(at('.bashrc'))).toBe(false);
  });

  it('keep what was written into our block, and it is said', async () => {
    writeFileSync(at('.bashrc'), '# mine\n');
    await pyrsia('shim install npm');
    writeFileSync(at('.bashrc'), read('.bashrc').replace('# <<<', 'alias theirs=true\n# <<<'));
    const { code, stderr } = await pyrsia('shim uninstall');
    expect([code, read('.bashrc')]).toEqual([0, '# mine\nalias theirs=true\n']);
    expect(stderr).toContain(
      `${at('.bashrc')} keeps what somebody wrote between our lines:\npyrsia: alias theirs=true`,
    );
  });

  it('are left alone where that is asked for', async () => {
    const { code, stderr } = await pyrsia('shim install npm --no-path');
    expect([code, existsSync(at('.bashrc')), existsSync(at('.profile'))]).toEqual([0, false, false]);
    expect(stderr).toContain('To have them first on the PATH: eval "$(pyrsia env)"');
  });

  it('are those of the shell that is named', async () => {
    expect(await pyrsia('shim install npm --shell dash')).toMatchObject({ code: 0 });
    expect([existsSync(at('.bashrc')), existsSync(at('.profile'))]).toEqual([false, true]);
  });

  it('of a shell that we do not know are not written', async () => {
    const { code, stderr } = await pyrsia('shim install npm', { SHELL: '/bin/tcsh' });
    expect([code, existsSync(join(shims(), 'npm'))]).toEqual([1, true]);
    expect(stderr).toContain(`/bin/tcsh is told: put ${shims()} first on its PATH`);
  });
});

describe('shim install', () => {
  it('says what it would do where nobody can be asked, and does nothing', async () => {
    const before = everything();
    const { code, stdout, stderr } = await pyrsia('shim install');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/Shims for npm \(\/.*\/npm\)(,| and) npx \(\/.*\/npx\).* go into /);
    expect(stderr).toContain('Nothing was installed: name the tools, or give --yes');
    expect(everything()).toEqual(before);
  });

  it('takes all tools on the PATH with --yes', async () => {
    expect(await pyrsia('shim install --yes')).toMatchObject({ code: 0 });
    expect(readdirSync(shims())).toEqual(expect.arrayContaining(['npm', 'npx']));
  });

  it.each([
    ['y', 0, true],
    ['n', 2, false],
    ['', 2, false],
  ])('asks on a terminal, and takes "%s" for what it is', async (answer, code, installed) => {
    const env = { ...sandbox.env, HOME: home, SHELL: '/bin/bash' };
    await using terminal = openTerminal(sandbox.pyrsiaCommand(['shim', 'install']), { cwd: home, env });
    expect(await terminal.says('[y/N] ')).toContain('# >>> pyrsia >>>');
    expect(existsSync(at('.bashrc'))).toBe(false);
    terminal.write(`${answer}\r`);
    expect(await terminal.ends()).toMatchObject({ code });
    expect([existsSync(join(shims(), 'npm')), existsSync(at('.bashrc'))]).toEqual([installed, installed]);
  });

  it('knows the tools that it knows', async () => {
    const { code, stderr } = await pyrsia('shim install npm cargo');
    expect([code, stderr]).toEqual([
      2,
      'pyrsia: There is no shim for "cargo", only for npm, npx, mvn, gradle, podman, buildah, skopeo, ctr, docker\n',
    ]);
    expect(existsSync(shims())).toBe(false);
  });

  it('wants a tool that is there', async () => {
    const path = sandbox.env['PATH']!.split(delimiter).filter(holdsNone);
    const one = await pyrsia('shim install npm', { PATH: path.join(delimiter) });
    expect([one.code, one.stderr]).toEqual([5, 'pyrsia: Not found: npm on the PATH\n']);
    const all = await pyrsia('shim install --yes', { PATH: sandbox.root });
    expect([all.code, all.stderr]).toEqual([
      5,
      'pyrsia: Not found: a tool on the PATH that there are shims for, which are npm, npx, mvn, gradle, podman, buildah, skopeo, ctr and docker\n',
    ]);
  });

  it('takes no other shim for the tool', async () => {
    await pyrsia('shim install npm');
    const { stdout } = await pyrsia('shim install npm --json', {
      XDG_DATA_HOME: join(sandbox.root, 'data'),
      PATH: `${shims()}:${sandbox.env['PATH']}`,
    });
    const {
      shims: [shim],
    } = JSON.parse(stdout) as { shims: { real: string }[] };
    expect(shim!.real).not.toContain('pyrsia');
  });

  it('does not replace a file that is none of ours, unless that is asked for', async () => {
    mkdirSync(shims(), { recursive: true });
    writeFileSync(join(shims(), 'npx'), 'theirs');
    const refused = await pyrsia('shim install npm npx');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`Cannot write ${join(shims(), 'npx')}: it is there and none of ours`);
    expect([readFileSync(join(shims(), 'npx'), 'utf8'), existsSync(join(shims(), 'npm'))]).toEqual([
      'theirs',
      false,
    ]);
    expect(await pyrsia('shim install npm npx --force')).toMatchObject({ code: 0 });
    expect(readFileSync(join(shims(), 'npx'), 'utf8')).toMatch(/^#!/);
  });

  it('replaces a link instead of what it leads to', async () => {
    mkdirSync(shims(), { recursive: true });
    writeFileSync(at('precious'), 'theirs');
    symlinkSync(at('precious'), join(shims(), 'npm'));
    expect(await pyrsia('shim install npm')).toMatchObject({ code: 1 });
    expect(await pyrsia('shim install npm --force')).toMatchObject({ code: 0 });
    expect([read('precious'), lstatSync(join(shims(), 'npm')).isFile()]).toEqual(['theirs', true]);
  });

  it('renews what a shim knows of where Node and pyrsia are', async () => {
    await pyrsia('shim install npm');
    const fresh = readFileSync(join(shims(), 'npm'), 'utf8');
    writeFileSync(join(shims(), 'npm'), fresh.replaceAll(process.execPath, '/gone/node'));
    const { stdout } = await pyrsia('shim install npm');
    expect(stdout).toMatch(/shims\/npm +written\n/);
    expect(readFileSync(join(shims(), 'npm'), 'utf8')).toBe(fresh);
    expect((await pyrsia('shim install npm')).stdout).toMatch(/shims\/npm +unchanged\n/);
  });

  it.each([0o000, 0o077])(
    'with umask %o makes commands that everybody may run and nobody may change',
    async (umask) => {
      const command = sandbox.pyrsiaCommand(['shim', 'install', 'npm']);
      const script = `umask ${umask.toString(8)}; exec "$@"`;
      const env = { HOME: home, SHELL: '/bin/bash' };
      expect(await sandbox.run('sh', ['-c', script, 'sh', ...command], { env })).toMatchObject({ code: 0 });
      expect(statSync(join(shims(), 'npm')).mode & 0o777).toBe(0o755);
      expect(statSync(shims()).mode & 0o022).toBe(0);
      expect(statSync(at('.bashrc')).mode & 0o133).toBe(0);
    },
  );

  it('takes from others the right to write where commands lie', async () => {
    mkdirSync(shims(), { recursive: true });
    chmodSync(shims(), 0o777);
    await pyrsia('shim install npm');
    expect(statSync(shims()).mode & 0o777).toBe(0o755);
  });

  it('done by several at once leaves one of everything', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => pyrsia('shim install npm npx')));
    expect(all.map(({ code, stderr }) => [code, stderr.includes('Cannot')])).toEqual(
      all.map(() => [0, false]),
    );
    expect(read('.bashrc').match(/>>> pyrsia >>>/g)).toHaveLength(1);
    expect(readdirSync(shims()).filter((name) => !name.startsWith('.'))).toEqual(['npm', 'npx']);
    await pyrsia('shim uninstall');
    expect(readdirSync(home).filter((name) => name !== '.npmrc')).toEqual([]);
  });

  it('says what is left to do in the shell that is running', async () => {
    expect((await pyrsia('shim install npm')).stderr).toContain('in this one: eval "$(pyrsia env)"');
    expect((await pyrsia('shim install npm npx', { PATH: first() })).stderr).toContain(
      'forget where they were: hash -r',
    );
    const fish = (await pyrsia('shim install npm', { SHELL: '/usr/bin/fish' })).stderr;
    expect(fish).toContain('in this one: pyrsia env --shell fish | source');
    expect((await pyrsia('shim install npm', { MISE_SHELL: 'bash' })).stderr).toContain(
      'mise puts its own tools first',
    );
  });

  it('takes no directory that a PATH cannot name', async () => {
    const { code, stderr } = await pyrsia('shim install npm', { XDG_DATA_HOME: '/a:b' });
    expect([code, stderr]).toEqual([1, 'pyrsia: /a:b/pyrsia/shims cannot be on a PATH\n']);
  });

  const who = unprivileged();
  it.runIf(who.possible)('in a home that is read-only says where it cannot write', async () => {
    await using others = openSandbox(who.possible ? { user: who.user } : {});
    chmodSync(others.home, 0o555);
    const { code, stderr } = await others.pyrsia(['shim', 'install', 'npm']);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `Cannot write ${join(others.home, '.local/share/pyrsia/shims')}: permission denied`,
    );
    chmodSync(others.home, 0o700);
  });
});

describe('in CI', () => {
  it('$GITHUB_PATH gets a line, and files of shells get none', async () => {
    const list = join(sandbox.root, 'github-path');
    writeFileSync(list, '');
    const { stderr } = await pyrsia('shim install npm', { GITHUB_PATH: list });
    expect(stderr).toContain(`${list} gets a line`);
    expect([readFileSync(list, 'utf8'), existsSync(at('.bashrc'))]).toEqual([`${shims()}\n`, false]);
    await pyrsia('shim uninstall', { GITHUB_PATH: list });
    expect(readFileSync(list, 'utf8')).toBe('');
  });

  it('Azure Pipelines are told on stdout, and nobody else is', async () => {
    const line = `##vso[task.prependpath]${shims()}\n`;
    expect((await pyrsia('shim install npm', { TF_BUILD: 'True' })).stdout).toContain(line);
    expect((await pyrsia('shim install npm')).stdout).not.toContain('##vso');
    const { stdout } = await pyrsia('shim install npm --json', { TF_BUILD: 'True' });
    expect(JSON.parse(stdout)).toMatchObject({ directory: shims() });
  });
});

describe('shim uninstall', () => {
  it('takes one shim, and the lines of the shell with the last', async () => {
    await pyrsia('shim install npm npx');
    await pyrsia('shim uninstall npx');
    expect([existsSync(join(shims(), 'npx')), existsSync(at('.bashrc'))]).toEqual([false, true]);
    await pyrsia('shim uninstall npm');
    expect([existsSync(at('.local')), existsSync(at('.bashrc'))]).toEqual([false, false]);
  });

  it('leaves files that are none of ours', async () => {
    await pyrsia('shim install npm npx');
    writeFileSync(join(shims(), 'npx'), 'theirs');
    writeFileSync(join(shims(), 'other'), 'theirs');
    const { code, stderr } = await pyrsia('shim uninstall');
    expect([code, readdirSync(shims()).filter((name) => !name.startsWith('.'))]).toEqual([
      0,
      ['npx', 'other'],
    ]);
    expect(stderr).toContain(`${join(shims(), 'other')} is none of ours, and stays`);
    expect(existsSync(at('.bashrc'))).toBe(false);
  });

  it('has nothing to do where there is nothing', async () => {
    expect(await pyrsia('shim uninstall')).toMatchObject({ code: 0, stdout: 'There is no shim\n' });
    expect((await pyrsia('shim uninstall npm')).stdout).toMatch(/shims\/npm +absent\n/);
  });

  it('removes what a process that was killed left among the shims', async () => {
    await pyrsia('shim install npm');
    writeFileSync(join(shims(), 'npm.pyrsia-999999999'), '');
    await pyrsia('shim uninstall');
    expect(existsSync(shims())).toBe(false);
  });
});

describe('shim disable', () => {
  it('lets a tool run as if there were no shim, at the path that shells remember, and enable undoes it', async () => {
    await pyrsia('shim install npm npx');
    const active = readFileSync(join(shims(), 'npm'), 'utf8');
    expect((await pyrsia('shim disable npm')).stdout).toBe('npm  disabled\n');
    expect((await pyrsia('shim disable npm')).stdout).toBe('npm  unchanged\n');
    expect(await stateOf('npm')).toBe('disabled');
    const { code, stdout } = await sandbox.run(join(shims(), 'npm'), ['--version'], { env: { HOME: home } });
    expect([code, stdout.trim()]).toEqual([0, (await sandbox.npm(['--version'])).stdout.trim()]);
    expect((await pyrsia('shim enable')).stdout).toBe('npm  enabled\nnpx  unchanged\n');
    expect(readFileSync(join(shims(), 'npm'), 'utf8')).toBe(active);
  });

  it('is undone by another install', async () => {
    await pyrsia('shim install npm');
    await pyrsia('shim disable');
    await pyrsia('shim install npm');
    expect(await stateOf('npm')).toBe('unreachable');
  });

  it('wants a shim that is there', async () => {
    const one = await pyrsia('shim disable npm');
    expect([one.code, one.stderr]).toEqual([
      5,
      'pyrsia: Not found: a shim for npm: pyrsia shim install npm\n',
    ]);
    expect(await pyrsia('shim enable')).toMatchObject({ code: 5 });
  });
});

async function stateOf(
  tool: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ShimState['state']> {
  return (await statusOf(env)).shims.find((shim) => shim.tool === tool)!.state;
}

async function statusOf(env: Readonly<Record<string, string>> = {}) {
  const { stdout } = await pyrsia('shim status --json', env);
  const found = JSON.parse(stdout) as {
    position: number | null;
    shims: ShimState[];
    files: { path: string; state: string }[];
  };
  // Those of the package manager come first; which others there are is up to the machine.
  return { ...found, shims: found.shims.slice(0, 2) };
}

/** A PATH on which shims come first. */
const first = (): string => [shims(), sandbox.env['PATH']].join(delimiter);

/** Whether none of the tools that there are shims for lies in `folder`. */
const holdsNone = (folder: string): boolean =>
  tools.every(({ executable }) => !existsSync(join(folder, executable)));

describe('shim status', () => {
  it('tells whether a shim is there, is reached, and what it runs', async () => {
    expect(await stateOf('npm')).toBe('missing');
    await pyrsia('shim install npm');
    expect(await stateOf('npm')).toBe('unreachable');
    const { position, shims: states, files } = await statusOf({ PATH: first() });
    expect([position, states[0]!.state, states[1]!.state]).toEqual([0, 'active', 'missing']);
    expect(states[0]!.real).toMatch(/\/npm$/);
    expect(states[0]!.real).not.toContain('pyrsia');
    expect(files).toEqual([
      { path: at('.bashrc'), state: 'current' },
      { path: at('.profile'), state: 'current' },
    ]);
  });

  it('tells what comes before a shim, and nothing of what does not', async () => {
    await pyrsia('shim install npm npx');
    mkdirSync(at('before'));
    writeFileSync(at('before/npm'), '#!/bin/sh\n', { mode: 0o755 });
    const { position, shims: states } = await statusOf({ PATH: [at('before'), first()].join(delimiter) });
    expect(position).toBe(1);
    expect(states.slice(0, 2)).toMatchObject([
      { state: 'shadowed', before: at('before/npm') },
      { state: 'active' },
    ]);
  });

  it('knows its directory by another name', async () => {
    await pyrsia('shim install npm');
    symlinkSync(shims(), at('other-name'));
    expect(await stateOf('npm', { PATH: [at('other-name'), sandbox.env['PATH']].join(delimiter) })).toBe(
      'active',
    );
  });

  it('tells when a shim was overwritten, or what it needs is gone', async () => {
    await pyrsia('shim install npm npx');
    writeFileSync(join(shims(), 'npx'), '#!/bin/sh\n');
    const npm = join(shims(), 'npm');
    writeFileSync(npm, readFileSync(npm, 'utf8').replaceAll(process.execPath, '/gone/node'));
    const { shims: states } = await statusOf({ PATH: first() });
    expect(states.slice(0, 2)).toMatchObject([
      { state: 'broken', gone: ['/gone/node'] },
      { state: 'overwritten' },
    ]);
    await pyrsia('shim install npm');
    chmodSync(npm, 0o644);
    expect(await stateOf('npm', { PATH: first() })).toBe('broken');
    await pyrsia('shim install npm');
    expect(await stateOf('npm', { PATH: first() })).toBe('active');
  });

  it.each(['a link', 'another tool’s shim', 'a directory'])('takes %s for none of ours', async (what) => {
    await pyrsia('shim install npm');
    const npx = join(shims(), 'npx');
    if (what === 'a link') symlinkSync('npm', npx);
    else if (what === 'a directory') mkdirSync(npx);
    else copyFileSync(join(shims(), 'npm'), npx);
    expect(await stateOf('npx')).toBe('overwritten');
    expect(await pyrsia('shim install npx')).toMatchObject({ code: 1 });
    expect(await pyrsia('shim uninstall')).toMatchObject({ code: 0 });
    expect(existsSync(shims()) && readdirSync(shims())).toContain('npx');
  });

  it('tells the same to people', async () => {
    await pyrsia('shim install npm');
    const { stdout } = await pyrsia('shim status', { PATH: first() });
    expect(stdout).toMatch(/^npm +active +\/.*\/npm/m);
    expect(stdout).toMatch(/^npx +missing/m);
    expect(stdout).toMatch(/^on the PATH +first$/m);
    expect(stdout).toContain(`lines current  ${at('.bashrc')}`);
  });
});
