import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { led } from '../../src/shims/environment.ts';
import { openStandIn, SHELLS, type StandInWorld } from './stand-in.ts';

it.skipIf(SHELLS['busybox'] === undefined)('busybox is here, so that stand-ins are tried with it', () => {
  expect(SHELLS).toHaveProperty('bash');
  expect(SHELLS).toHaveProperty('dash');
});

const path = (...folders: string[]): string => folders.join(delimiter);

describe.each(Object.keys(SHELLS))('A stand-in run by %s', (shell) => {
  let world: StandInWorld;

  const elsewhere = (...folders: string[]): string => join(world.root, 'elsewhere', ...folders);
  const below = (env: NodeJS.ProcessEnv, changes: Record<string, string>) =>
    led({ ...world.env, ...env }, changes) as Record<string, string>;

  beforeAll(async () => {
    world = await openStandIn(shell);
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  describe('runs the tool as if it were not there', () => {
    it.each([
      [],
      ['--version'],
      ['--help'],
      ['run', 'build', '--', '--registry=theirs'],
      ['--silent', 'test'],
      ['publish', '--tag', 'next'],
      ['--json', 'whoami'],
      ['config', 'set', 'registry', 'https://theirs.example/'],
      ['ci', '--help'],
    ])('for npm %j %j %j %j', async (...args) => {
      world.answer();
      expect(await world.call(args)).toMatchObject({ who: 'real', file: world.real, args });
      expect(world.launches()).toEqual([]);
    });

    it('for whoever says PYRSIA=off', async () => {
      world.answer();
      const called = await world.call(['ci'], { env: { PYRSIA: 'off' } });
      expect(called).toMatchObject({ who: 'real', args: ['ci'], env: { PYRSIA: 'off' } });
      expect(world.launches()).toEqual([]);
    });

    it('where it is disabled', async () => {
      world.answer();
      world.install({ disabled: true });
      expect(await world.call(['ci'])).toMatchObject({ who: 'real', args: ['ci'] });
      expect(world.launches()).toEqual([]);
      world.install();
    });

    it('with every argument as it was', async () => {
      const args = [
        'run',
        '',
        ' a  b ',
        "it's",
        '"$HOME"',
        '`id`',
        '*',
        'line\nline\n',
        '\\n',
        '--',
        '-e',
        'é',
      ];
      expect((await world.call(args)).args).toEqual(args);
    });

    it('with its exit code', async () => {
      expect(await world.run(['run', 'x'], { env: { EXIT: '41' } })).toMatchObject({ code: 41, stderr: '' });
    });

    it('with all that it reads', async () => {
      const cat = path(join(world.root, 'cat'));
      mkdirSync(cat);
      writeFileSync(join(cat, 'npm'), '#!/bin/sh\nexec cat\n', { mode: 0o755 });
      const env = { PATH: path(world.shims, cat, '/usr/bin', '/bin') };
      expect((await world.run(['run', 'x'], { env, input: 'to it' })).stdout).toBe('to it');
    });

    it('in its own process', async () => {
      const inShell = ['-c', 'echo $$; exec "$0" run', world.shim];
      const [pid, told] = (await world.run(inShell, { program: '/bin/sh' })).stdout.split('\n');
      expect(JSON.parse(told!)).toMatchObject({ who: 'real', pid: Number(pid) });
    });

    it("in the user's own environment", async () => {
      const env = {
        // What the shell itself might use, or a careless script.
        real: 'mine',
        path: 'mine',
        name: 'mine',
        ENV: '/nowhere',
        BASH_ENV: '/nowhere',
        NODE_ENV: 'test',
        empty: '',
        multi: 'a\nb',
        OLDPWD: world.home,
      };
      const direct = await world.call(['run', 'x'], { env, program: world.real });
      const { env: seen } = await world.call(['run', 'x'], { env });
      expect(seen).toEqual({
        ...direct.env,
        PYRSIA_SHIM_DEPTH: expect.stringMatching(/^1:e:\d+:\//),
        // It counts itself, and never takes that back.
        ...(shell === 'busybox' && { SHLVL: '4' }),
      });
    });

    it.each(shell === 'bash' ? ['a shell'] : [])(
      'with functions and variables that %s cannot hold',
      async () => {
        const env = {
          'BASH_FUNC_greet%%': '() {  echo hello\n}',
          'BASH_FUNC_printf%%': '() {  exit 9\n}',
          'npm_config_@acme:registry': 'https://acme.example/',
          'a-b': 'c',
        };
        expect((await world.call(['run', 'x'], { env })).env).toMatchObject(env);
        expect((await world.call(['frob'], { env })).env).toMatchObject(env);
      },
    );

    it('in a shell that gives up at the first failure, and at what is not set', async () => {
      const inShell = async (...args: string[]) => world.call(args, { program: world.shell });
      expect(await inShell('-eu', world.shim, 'run', 'x')).toMatchObject({ who: 'real', args: ['run', 'x'] });
      world.answer();
      expect(await inShell('-eu', world.shim, 'ci')).toMatchObject({ who: 'real', args: ['ci'] });
      expect(world.launches()).toHaveLength(1);
      rmSync(join(world.runtime, 'launch', world.launches()[0]!));
      expect(await inShell('-eu', world.shim, 'frob')).toMatchObject({ who: 'node' });
    });
  });

  describe('finds the tool', () => {
    beforeAll(() => {
      mkdirSync(elsewhere('linked'), { recursive: true });
      mkdirSync(elsewhere('folder', 'npm'), { recursive: true });
      mkdirSync(elsewhere('plain'));
      writeFileSync(elsewhere('plain', 'npm'), '', { mode: 0o644 });
      symlinkSync(world.shim, elsewhere('linked', 'npm'));
      symlinkSync(world.shims, elsewhere('shims'));
    });

    it.each([
      ['behind itself twice', () => path(world.shims, world.shims, world.bin)],
      ['behind itself by another name', () => path(elsewhere('shims'), `${world.shims}/`, world.bin)],
      ['behind a link to itself', () => path(elsewhere('linked'), world.shims, world.bin)],
      ['behind what cannot be run', () => path(elsewhere('folder'), elsewhere('plain'), '', 'no', world.bin)],
      ['before itself', () => path(world.bin, world.shims)],
    ])('%s', async (_, of) => {
      expect(await world.call(['run', 'x'], { env: { PATH: of() } })).toMatchObject({ file: world.real });
    });

    it.each(['', '.', '../../../bin', '::'])('in the relative folder %j', async (relative) => {
      const own = join(world.project, 'npm');
      if (!relative.startsWith('../')) linkSync(world.real, own);
      const called = await world.call(['run', 'x'], { env: { PATH: relative } });
      expect(called).toMatchObject({ who: 'real' });
      expect(called.env['PYRSIA_SHIM_DEPTH']).toMatch(/^1:e:\d+:\//);
      rmSync(own, { force: true });
    });

    it('when it is called by a path, by a link, and by its shell', async () => {
      for (const args of [
        [world.shim],
        [elsewhere('linked', 'npm')],
        [join(elsewhere('shims'), 'npm')],
        [world.shell, world.shim],
        [world.shell, '../shims/npm'],
      ]) {
        const [program, ...rest] = args;
        const called = await world.call([...rest, 'run', 'x'], {
          program: program!,
          cwd: join(world.home, 'a'),
        });
        expect(called).toMatchObject({ who: 'real', file: world.real, args: ['run', 'x'] });
      }
    });

    it('on the PATH that a shell has by itself, where there is none', async () => {
      const { code, stderr } = await world.run(['--version'], { env: { PATH: undefined } });
      // Some machines have an npm there.
      expect(code === 0 || (code === 127 && stderr.includes('command not found'))).toBe(true);
    });

    it('nowhere, where it is not installed', async () => {
      const { code, stdout, stderr } = await world.run(['run', 'x'], {
        env: { PATH: path(world.shims, '/nowhere') },
      });
      expect([code, stdout]).toEqual([127, '']);
      expect(stderr).toBe("pyrsia: npm: command not found (the PATH has nothing but pyrsia's stand-in)\n");
    });
  });

  describe('and something else that stands in for the tool', () => {
    let manager: string;
    beforeAll(() => {
      manager = join(world.root, 'manager');
      mkdirSync(manager);
    });
    const env = () => ({ PATH: path(world.shims, manager, world.bin, '/usr/bin', '/bin') });

    it('do not run one another for ever, when that looks on the PATH, too', async () => {
      writeFileSync(join(manager, 'npm'), '#!/bin/sh\nexec npm "$@"\n', { mode: 0o755 });
      const called = await world.call(['run', 'x'], { env: env() });
      expect(called).toMatchObject({ who: 'real', file: world.real, args: ['run', 'x'] });
    });

    it('do not even if it starts another process each time', async () => {
      writeFileSync(join(manager, 'npm'), '#!/bin/sh\nnpm "$@"\nexit $?\n', { mode: 0o755 });
      const { code, stdout, stderr } = await world.run(['run', 'x'], { env: env() });
      expect([code, stdout]).toEqual([125, '']);
      expect(stderr).toBe('pyrsia: not run, since npm has started npm 16 times (PYRSIA=off npm …)\n');
    });

    it('are both asked anew by what the tool starts', async () => {
      writeFileSync(join(manager, 'npm'), `#!/bin/sh\necho manager >&2\nexec "${world.real}" "$@"\n`, {
        mode: 0o755,
      });
      const depth = '3:e:1:/somewhere/npm';
      const { stdout, stderr } = await world.run(['run', 'x'], {
        env: { ...env(), PYRSIA_SHIM_DEPTH: depth },
      });
      expect(stderr).toBe('manager\n');
      expect(JSON.parse(stdout)).toMatchObject({
        env: { PYRSIA_SHIM_DEPTH: expect.stringMatching(/^4:e:/) },
      });
    });

    it.each(['', 'x', '08:e:1:/x', ':::', '-1:e:1:/x', '1e3:e:1:/x'])(
      'take no notice of the depth %j',
      async (depth) => {
        const called = await world.call(['run', 'x'], { env: { PYRSIA_SHIM_DEPTH: depth } });
        expect(called.env['PYRSIA_SHIM_DEPTH']).toMatch(/^1:e:/);
      },
    );
  });

  describe('below a launch of ours', () => {
    const registry = 'http://127.0.0.1:1/';

    it('gives back what the user had', async () => {
      const env = below(
        { npm_config_noproxy: 'mine.example' },
        { npm_config_noproxy: '127.0.0.1', npm_config_registry: registry },
      );
      for (const args of [['publish'], ['frob']]) {
        const called = await world.call(args, { env });
        expect(called.env).toHaveProperty('npm_config_noproxy', 'mine.example');
        const names = Object.keys(called.env).filter((name) => /^PYRSIA_(WAS|LED)|registry$/.test(name));
        expect(names).toEqual([]);
      }
    });

    it('keeps what somebody has set since', async () => {
      const env = below({}, { npm_config_registry: registry, npm_config_globalconfig: '/x' });
      env['npm_config_registry'] = 'https://meant.example/';
      const called = await world.call(['run', 'x'], { env });
      expect(called.env).toHaveProperty('npm_config_registry', 'https://meant.example/');
      expect(called.env).not.toHaveProperty('npm_config_globalconfig');
    });

    it.each([['publish'], ['run', 'x'], []])(
      'leaves names that no shell can hold to Node, for npm %s',
      async (...args) => {
        const env = below({}, { 'npm_config_@acme:registry': registry, npm_config_registry: registry });
        const called = await world.call(args, { env });
        expect(called).toMatchObject({ who: 'node', env: { PYRSIA: 'off', PYRSIA_WAS_PYRSIA: '' } });
        expect(called.args.slice(1)).toEqual(['npm', world.real, ...args]);
      },
    );

    it('leaves everything to Node there', async () => {
      world.answer();
      const called = await world.call(['ci'], { env: below({}, { 'npm_config_@acme:registry': registry }) });
      expect(called.who).toBe('node');
      expect(called.env).not.toHaveProperty('PYRSIA');
    });
  });

  describe('asks Node', () => {
    beforeAll(() => world.answer());

    it.each([
      'frob',
      'in-stall',
      'inst-all x',
      '--loglevel silly ci',
      '-- ci',
      '-',
      'ci --registry https://theirs.example/',
      'ci --reg=x',
      'i --@acme:registry=x',
      'i -C elsewhere',
      'i --prefix elsewhere',
      'i --prefix=elsewhere',
      'ci -w a',
      'ci --workspace=a',
      'ci --userconfig=x',
      '--userconfig x ci',
      '-C elsewhere publish',
      'ci --noproxy=x',
      'ci --globalconfig=x',
      'ci --frob',
      '--silent',
    ])('about npm %s', async (call) => {
      const args = call.split(' ');
      const called = await world.call(args);
      expect(called).toMatchObject({ who: 'node', args: [world.shell, 'npm', world.real, ...args] });
      expect(world.launches()).toEqual([]);
    });

    it('without what the user wants every Node to load', async () => {
      const options = `--require=${join(world.root, 'nowhere.cjs')}`;
      const { env } = await world.call(['frob'], { env: { NODE_OPTIONS: options } });
      expect(env).toMatchObject({ NODE_OPTIONS: '', PYRSIA_WAS_NODE_OPTIONS: options });
    });

    it('and runs the tool where that is gone, in one line', async () => {
      for (const gone of [{ node: '/nowhere/node' }, { entry: '/nowhere/shim.js' }]) {
        world.install(gone);
        const { code, stdout, stderr } = await world.run(['frob']);
        expect(code).toBe(0);
        expect(JSON.parse(stdout)).toMatchObject({ who: 'real', args: ['frob'] });
        expect(stderr).toMatch(/^pyrsia: .*\/nowhere\/.*; npm runs without pyrsia \(pyrsia doctor .*\n$/);
        expect(await world.run(['frob'], { env: { PYRSIA_STRICT: '1' } })).toMatchObject({
          code: 125,
          stdout: '',
        });
        expect(await world.run(['run', 'x'])).toMatchObject({ code: 0, stderr: '' });
      }
      world.install();
    });

    it('but not in a directory that is gone', async () => {
      const gone = join(world.root, 'gone');
      const inShell = `mkdir ${gone}; cd ${gone}; rmdir ${gone}; exec "$0" "$@"`;
      const sh = join(world.root, 'sh');
      mkdirSync(sh);
      writeFileSync(join(sh, 'npm'), '#!/bin/sh\necho "real $*"\n', { mode: 0o755 });
      const env = { PATH: path(sh, '/usr/bin', '/bin') };
      for (const args of [['frob'], ['ci']]) {
        const ran = await world.run(['-c', inShell, world.shim, ...args], { program: '/bin/sh', env });
        expect(ran).toMatchObject({ code: 0, stdout: `real ${args[0]}\n` });
      }
    });
  });
});
