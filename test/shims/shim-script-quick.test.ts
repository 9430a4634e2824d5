import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunOptions } from '../support/command.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import { openTerminal } from '../support/terminal.ts';
import { type Called, openStandIn, SHELLS, type StandInWorld } from './stand-in.ts';

const base = 'http://127.0.0.1:4873/';
const LINES = [
  `$npm_config_registry=${base}`,
  '&npm_config_globalconfig=npmrc',
  '>npmrc',
  '@//127.0.0.1:4873/:_authToken=',
  ':',
  ':cafile=/a b/$c "d" `e`',
];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Changes what a call rests on, and says how it is then made. */
type Change = () => { readonly env?: RunOptions['env']; readonly cwd?: string } | void;

describe.each(Object.keys(SHELLS))('A stand-in run by %s, with an answer at hand', (shell) => {
  let world: StandInWorld;
  const at = (...parts: string[]): string => join(world.project, ...parts);
  beforeAll(async () => {
    world = await openStandIn(shell, `it's "a" $HOME \`id\` \\ home*`);
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  beforeEach(() => world.answer({}, LINES));
  afterEach(() => {
    for (const file of world.launches()) rmSync(join(world.runtime, 'launch', file));
  });

  it.each([
    ['ci'],
    ['ci', '--ignore-scripts', '--no-audit'],
    ['--silent', 'i', '-D', '--omit=dev', '@acme/widget@^1 || 2', 'git+https://theirs.example/x.git'],
    ['i', '-g', 'a b', '', "it's", '$x\n'],
    ['exec', 'tool', '--', '--registry=theirs', '-C', 'x'],
    ['view', 'x', '--json'],
  ])('leads npm %j %j %j %j', async (...args) => {
    const called = await world.call(args);
    expect(called).toMatchObject({ who: 'real', file: world.real, args, cwd: world.project });

    const [format, name, generation, receipt, pid, cwd, tool, executable, count, ...rest] = world.launch();
    expect(rest).toEqual([...args, 'end', '']);
    expect([format, generation, receipt, Number(pid), cwd, tool, executable, Number(count)]).toEqual([
      'pyrsia-launch-2',
      '0123456789abcdef',
      '',
      called.pid,
      world.project,
      'npm',
      world.real,
      args.length,
    ]);
    expect(name).toMatch(uuid);

    const id = world.launches().find((file) => !file.includes('.'))!;
    const file = join(world.runtime, 'launch', `${name}.npmrc`);
    expect(id).toMatch(uuid);
    expect(id).not.toBe(name);
    expect(called.env).toMatchObject({
      npm_config_registry: base,
      PYRSIA_WAS_npm_config_registry: '',
      PYRSIA_LED_npm_config_registry: base,
      npm_config_globalconfig: file,
      PYRSIA_WAS_npm_config_globalconfig: '',
      PYRSIA_LED_npm_config_globalconfig: file,
    });
    expect(readFileSync(file, 'utf8')).toBe(
      `//127.0.0.1:4873/:_authToken=${id}\n\ncafile=/a b/$c "d" \`e\`\n`,
    );
    expect(world.launches().toSorted()).toEqual([id, `${name}.npmrc`].toSorted());
  });

  it('keeps what the user had, in so many words', async () => {
    const env = { npm_config_registry: 'https://mine.example/?a=b c|d', npm_config_globalconfig: '/mine' };
    const values = [env.npm_config_registry, '', env.npm_config_globalconfig];
    world.answer({ variables: values.join('|') + '|'.repeat(27) }, LINES);
    expect((await world.call(['ci'], { env })).env).toMatchObject({
      npm_config_registry: base,
      PYRSIA_WAS_npm_config_registry: env.npm_config_registry,
      PYRSIA_WAS_npm_config_globalconfig: env.npm_config_globalconfig,
    });
    expect(world.launches()).toHaveLength(2);
  });

  it('tells where it really is, whatever $PWD says', async () => {
    for (const PWD of [undefined, '', '/', '.', '/nowhere']) {
      const { cwd, env } = await world.call(['ci'], { env: { PWD } });
      expect([cwd, env['PWD'], world.launch()[5]]).toEqual([world.project, expect.anything(), world.project]);
      for (const file of world.launches()) rmSync(join(world.runtime, 'launch', file));
    }
  });

  it('takes directories of the PATH for the same with a slash at their ends', async () => {
    const PATH = [world.shims, '/', world.bin, '/usr/bin', ''].join(`/${delimiter}`);
    expect(await world.call(['ci'], { env: { PATH } })).toMatchObject({ who: 'real', file: world.real });
  });

  it('puts further arguments before those of the user', async () => {
    world.answer({}, [...LINES, '!-gs', '!a b', '!']);
    expect((await world.call(['ci', 'x'])).args).toEqual(['-gs', 'a b', '', 'ci', 'x']);
    expect(world.launch().slice(8)).toEqual(['2', 'ci', 'x', 'end', '']);
  });

  it('does so in a home whose name has two lines', async () => {
    await using other = await openStandIn(shell, 'a\nb\n');
    other.answer({}, LINES);
    expect(await other.call(['ci'])).toMatchObject({ who: 'real', cwd: other.project });
    expect(other.launch().slice(5, 6)).toEqual([other.project]);
  });

  it('starts no process but the tool', async () => {
    const log = join(world.root, 'strace');
    const traced = ['-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork', '-o', log];
    const tool = `${world.bin}/true`;
    mkdirSync(tool);
    symlinkSync('/bin/true', join(tool, 'npm'));
    const env = { PATH: [world.shims, tool, world.bin].join(delimiter) };
    world.answer({ executable: join(tool, 'npm') }, LINES);
    for (const args of [['ci'], ['run', 'x']]) {
      const { code } = await world.run([...traced, world.shim, ...args], { program: '/usr/bin/strace', env });
      expect(code).toBe(0);
      const calls = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => /\w\(/.test(line));
      expect(calls.map((line) => /\d+ +(\w+)/.exec(line)?.[1])).toEqual(['execve', 'execve']);
    }
    expect(world.launches()).toHaveLength(2);
  });

  it('is led again below a launch of ours, by what the user had', async () => {
    const first = await world.call(['ci']);
    const { env } = await world.call(['ci'], { env: first.env });
    expect(env).toMatchObject({ npm_config_registry: base, PYRSIA_WAS_npm_config_registry: '' });
    expect(env['npm_config_globalconfig']).not.toBe(first.env['npm_config_globalconfig']);
  });

  describe('asks Node', () => {
    const cases: Record<string, Change> = {
      'without an answer': () => rmSync(join(world.runtime, 'quick-npm')),
      'with one of another format': () => world.answer({ format: 'pyrsia-quick-2' }, LINES),
      'with one that is cut off': () => writeFileSync(join(world.runtime, 'quick-npm'), 'pyrsia-quick-1\n'),
      'with one that does not end': () =>
        writeFileSync(
          join(world.runtime, 'quick-npm'),
          readFileSync(join(world.runtime, 'quick-npm'), 'utf8').replace(/end\n$/, ''),
        ),
      'with one that holds something else': () => world.answer({}, [...LINES, '?what']),
      'with one that sets something else': () => world.answer({}, [...LINES, '$PATH=/nowhere']),
      'of an agent that is gone': () => world.answer({ pid: 2 ** 22 }, LINES),
      'of a process that is no agent': () => world.answer({ pid: process.pid }, LINES),
      'for another npm': () => world.answer({ executable: '/usr/bin/npm' }, LINES),
      'for another Node': () => world.answer({ node: '/usr/bin/node' }, LINES),
      'for no Node': () => world.answer({ node: '' }, LINES),
      'where a variable says something else': () => ({
        env: { npm_config_registry: 'https://mine.example/' },
      }),
      'where a variable in capitals does': () => ({ env: { NPM_CONFIG_USERCONFIG: '/mine' } }),
      'where a proxy is set': () => ({ env: { HTTPS_PROXY: 'http://proxy.example/' } }),
      'in another home': () => ({ env: { HOME: world.root } }),
      'with another cache': () => ({ env: { XDG_CACHE_HOME: world.root } }),
      'with another runtime directory': () => ({ env: { XDG_RUNTIME_DIR: world.root } }),
      'without a runtime directory': () => ({ env: { XDG_RUNTIME_DIR: undefined, TMPDIR: world.root } }),
      'with a runtime directory that is relative': () => ({
        env: { XDG_RUNTIME_DIR: '../run', TMPDIR: world.root },
      }),
      'in a project with an .npmrc': () => writeFileSync(at('.npmrc'), ''),
      'below one': () => {
        writeFileSync(at('.npmrc'), '');
        mkdirSync(at('a', 'b'), { recursive: true });
        return { cwd: at('a', 'b') };
      },
      'in a place whose path leads through a link': () => {
        mkdirSync(at('a', 'b'), { recursive: true });
        symlinkSync(at('a'), at('file'));
        return { cwd: at('file', 'b'), env: { PWD: at('file', 'b') } };
      },
      'in a project that has a say about us': () => writeFileSync(at('.pyrsia.json'), '{}'),
      'where a lockfile matters and there is one': () => {
        writeFileSync(at('package-lock.json'), '{}');
        world.answer({ lockfile: '1' }, LINES);
      },
      'where a file has changed since': () => {
        writeFileSync(at('file'), '');
        utimesSync(at('file'), Date.now() / 1000 + 20, Date.now() / 1000 + 20);
        world.answer({}, [`=${at('file')}`, ...LINES]);
      },
      'where a file is gone': () => world.answer({}, [`=${at('file')}`, ...LINES]),
      'where a file has come': () => {
        writeFileSync(at('file'), '');
        world.answer({}, [`-${at('file')}`, ...LINES]);
      },
      'where the directory of launches is gone': () =>
        rmSync(join(world.runtime, 'launch'), { recursive: true }),
      'where the runtime directory is a link': () => {
        renameSync(world.runtime, `${world.runtime}-moved`);
        symlinkSync(`${world.runtime}-moved`, world.runtime);
      },
      'where the directory above it is a link': () => {
        renameSync(join(world.runtime, '..'), join(world.root, 'moved'));
        symlinkSync(join(world.root, 'moved'), join(world.runtime, '..'));
      },
    };
    afterEach(() => {
      for (const file of ['.npmrc', '.pyrsia.json', 'package-lock.json', 'file', 'a'])
        rmSync(at(file), { recursive: true, force: true });
      const above = join(world.runtime, '..');
      if (existsSync(join(world.root, 'moved'))) {
        rmSync(above);
        renameSync(join(world.root, 'moved'), above);
      }
      if (existsSync(`${world.runtime}-moved`)) {
        rmSync(world.runtime);
        renameSync(`${world.runtime}-moved`, world.runtime);
      }
      mkdirSync(join(world.runtime, 'launch'), { recursive: true, mode: 0o700 });
    });

    it.each(Object.entries(cases))('%s', async (_, change) => {
      const { env = {}, cwd = world.project } = change() ?? {};
      const called = await world.call(['ci', 'x'], { env, cwd });
      expect(called).toMatchObject({ who: 'node', args: [world.shell, 'npm', world.real, 'ci', 'x'] });
      if (existsSync(join(world.runtime, 'launch')))
        expect(world.launches().filter((file) => !file.includes('.'))).toEqual([]);
    });

    it('with more arguments than the agent takes', async () => {
      const many = Array.from({ length: 1100 }, () => 'x'.repeat(1000));
      expect((await world.call(['ci', ...many.slice(0, 150)])).who).toBe('real');
      expect((await world.call(['ci', ...many])).who).toBe('node');
    });

    it('where files may not grow', async () => {
      const limited = ['-c', 'ulimit -f 0; exec "$0" ci', world.shim];
      expect((await world.call(limited, { program: '/bin/sh' })).who).toBe('node');
    });

    it.each(shell === 'bash' ? ['no shell'] : [])('where a variable decides that %s can hold', async () => {
      for (const name of ['npm_config_@acme:registry', 'NPM_CONFIG_//127.0.0.1:4873/:_authToken'])
        expect((await world.call(['ci'], { env: { [name]: 'x' } })).who).toBe('node');
    });

    it.skipIf(process.getuid!() !== 0)('where the answer is somebody else’s', async () => {
      for (const path of ['quick-npm', '.', '..'].map((name) => join(world.runtime, name))) {
        execFileSync('chown', ['1', path]);
        expect((await world.call(['ci'])).who, path).toBe('node');
        execFileSync('chown', ['0', path]);
      }
      expect((await world.call(['ci'])).who).toBe('real');
    });

    it.runIf(canUnshareNetwork())('in another network namespace', async () => {
      const [program, ...args] = inNamespaceWithoutNetwork([world.shim, 'ci']);
      expect((await world.call(args, { program: program! })).who).toBe('node');
    });

    it('where the answer is withdrawn meanwhile', async () => {
      const file = join(world.runtime, 'quick-npm');
      const text = readFileSync(file, 'utf8').replace(/end\n$/, '');
      rmSync(file);
      execFileSync('mkfifo', ['-m', '600', file]);
      const calling = world.call(['ci']);
      const answer = await open(file, 'w');
      await answer.write(text);
      rmSync(file);
      await answer.write('end\n');
      await answer.close();
      expect((await calling).who).toBe('node');
    });
  });

  it.each([
    ['a file that is as it was', (file: string) => [`=${file}`], ''],
    ['a file that is still not there', (file: string) => [`-${file}x`], ''],
    ['a lockfile, where that does not matter', () => [], 'package-lock.json'],
  ] as const)('does not mind %s', async (_, lines, name) => {
    const file = join(world.project, name === '' ? 'file' : name);
    writeFileSync(file, '');
    world.answer({}, [...lines(file), ...LINES]);
    expect((await world.call(['ci'])).who).toBe('real');
    expect(world.launches()).toHaveLength(2);
    rmSync(file);
  });

  it('runs npm as it is where a launch comes to nothing, and there is no Node to ask', async () => {
    world.install({ entry: join(world.root, 'gone.cjs') });
    const limited = ['-c', 'ulimit -f 0; exec "$0" ci', world.shim];
    const { stdout, stderr } = await world.run(limited, { program: '/bin/sh' });
    world.install();
    expect(stderr).toMatch(/^pyrsia: .* npm runs without pyrsia .*\n$/);
    const { who, env } = JSON.parse(stdout) as Called;
    expect(who).toBe('real');
    expect(Object.keys(env).filter((name) => /^npm_config|^PYRSIA_(WAS|LED)/.test(name))).toEqual([]);
  });

  it('takes the npmrc that the answer rests on for no project’s', async () => {
    const npmrc = join(world.home, '.npmrc');
    writeFileSync(npmrc, '');
    expect((await world.call(['ci'])).who).toBe('node');
    world.answer({}, [`=${npmrc}`, ...LINES]);
    for (const cwd of [world.project, world.home])
      expect((await world.call(['ci'], { cwd })).who).toBe('real');
    rmSync(npmrc);
  });

  it('runs on a terminal below itself, and shows the receipt', async () => {
    const script = `#!/bin/sh
printf 'real %s %s\\n' "$SHLVL" "$PYRSIA_SHIM_DEPTH"
echo 'pyrsia: 3 packages' > "\${npm_config_globalconfig%.npmrc}.receipt"
exit 7
`;
    const tool = join(world.root, 'on-terminal');
    mkdirSync(tool, { recursive: true });
    writeFileSync(join(tool, 'npm'), script, { mode: 0o755 });
    world.answer({ executable: join(tool, 'npm') }, LINES);
    await using terminal = openTerminal([world.shim, 'ci'], {
      cwd: world.project,
      env: { ...world.env, PATH: [world.shims, tool, world.bin, '/usr/bin', '/bin'].join(delimiter) },
    });
    expect(await terminal.ends()).toEqual({ code: 7, signal: null });
    const level = shell === 'busybox' ? 4 : 3;
    expect(terminal.screen).toBe(`real ${level} 1:c:${terminal.pid}:${tool}/npm\npyrsia: 3 packages\n`);
    expect(world.launch().slice(3, 5)).toEqual(['1', String(terminal.pid)]);
  });
});
