/** Without a terminal a tool behind a stand-in is the very process that was started: what is sent to it, it gets. */
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/paths.ts';
import type { Command, Finished } from '../support/command.ts';
import { environmentIn } from './everyday-world.ts';
import { type Call, led, openShimWorld, programPath, type ShimWorld } from './shim-world.ts';

let world: ShimWorld;
beforeAll(async () => {
  world = await openShimWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const file = (name: string): string => join(world.sandbox.root, name);

/** What can be told of a run from outside. */
const told = ({ code, signal, stdout, stderr }: Finished): Partial<Finished> => ({
  code,
  signal,
  stdout,
  stderr,
});

describe.each(led)('a tool behind $shell, the $way way', { timeout: 90_000 }, (via) => {
  beforeAll(() => void world.slowCalls());

  type Does = Omit<Call, 'way' | 'shell'>;
  const run = async (call: Does, command?: Command, input?: string): Promise<Partial<Finished>> =>
    told(await world.begin({ ...via, ...call }, command, input).result);
  const directly = async (call: Does, command?: Command, input?: string): Promise<Partial<Finished>> =>
    told(await world.begin({ way: 'direct', ...call }, command, input).result);

  describe('once started', () => {
    afterEach(() => expect(world.slowCalls()).toBe(via.way === 'slow' ? 1 : 0));

    it('is the process that was started, and decides what SIGTERM means', async () => {
      rmSync(file('pid'), { force: true });
      const does = `trap 'echo told; exit 8' TERM; echo $$ > ../pid.new; mv ../pid.new ../pid; while :; do sleep 0.05; done`;
      const running = world.begin({ ...via, does, fetches: true });
      await expect.poll(() => existsSync(file('pid')), { timeout: 30_000 }).toBe(true);
      expect(Number(readFileSync(file('pid'), 'utf8'))).toBe(running.pid);
      process.kill(running.pid, 'SIGTERM');
      expect(told(await running.result)).toEqual({ code: 8, signal: null, stdout: 'told\n', stderr: '' });
    });

    it.each(['TERM', 'INT', 'HUP', 'QUIT', 'KILL', 'PIPE', 'USR1', 'XFSZ'] as const)(
      'dies of SIG%s',
      async (name) => {
        const does = `ulimit -c 0; kill -${name} $$; echo survived`;
        expect(await run({ does })).toEqual({ code: null, signal: `SIG${name}`, stdout: '', stderr: '' });
      },
    );

    it('gets its stdin, and gives its output, byte for byte, and nothing is added', async () => {
      const sent = 'ö\0\n'.repeat(100_000);
      const got = await run({ does: 'cat; echo last >&2', fetches: true }, undefined, sent);
      expect(got).toEqual({ code: 0, signal: null, stdout: sent, stderr: 'last\n' });
    });

    it('gets its arguments as they are', async () => {
      const args = [
        'install',
        'a b',
        '',
        '"q"',
        "'s'",
        '$HOME',
        'a\nb',
        '*',
        '\\',
        '--',
        '-x',
        '--registry=x',
      ];
      const does = String.raw`printf '[%s]' "$@"`;
      const { stdout } = await run({ does, fetches: true }, ['npm', ...args]);
      expect(stdout).toBe(args.map((arg) => `[${arg}]`).join(''));
    });

    it('dies of a pipe that nobody reads', async () => {
      const command: Command = ['bash', '-c', 'npm ci | head -n 1; echo "${PIPESTATUS[0]}"'];
      expect(await run({ does: 'exec yes' }, command)).toMatchObject({ stdout: 'y\n141\n', stderr: '' });
    });

    it('is a job in the background of a script, which no interrupt reaches and whose end can be waited for', async () => {
      const command: Command = ['sh', '-c', 'npm ci & wait $!; echo "then $?"'];
      const does = 'kill -INT $$; kill -QUIT $$; read x || echo "nothing to read"; exit 6';
      const { stdout } = await run({ does }, command, 'input\n');
      expect(stdout).toBe('nothing to read\nthen 6\n');
    });

    it('ends sh -e with its own code', async () => {
      const command: Command = ['sh', '-ec', 'npm ci; echo went on'];
      expect(await run({ does: 'exit 7' }, command)).toMatchObject({ code: 7, stdout: '' });
    });

    it('fails a pipeline with pipefail', async () => {
      const command: Command = ['bash', '-c', 'set -eo pipefail; npm ci | cat; echo went on'];
      expect(await run({ does: 'echo out; exit 7' }, command)).toMatchObject({ code: 7, stdout: 'out\n' });
    });

    it.each([
      ['<&-', 'out\n', 'err\n'],
      ['>&-', '', 'err\n'],
      ['2>&-', 'out\n', ''],
      ['<&- >&- 2>&-', '', ''],
    ])('runs with %s', async (closed, stdout, stderr) => {
      // Other programs write, since a shell complains when it cannot.
      const does = '(env printf "out\\n"); (env printf "err\\n" >&2); exit 5';
      const got = await run({ does, fetches: true }, ['sh', '-c', `npm ci ${closed}`]);
      expect(got).toMatchObject({ code: 5, stdout });
      if (!closed.startsWith('>')) expect(got).toMatchObject({ stderr });
      else expect(got.stderr).toMatch(/err\n$/);
    });

    it('survives with nohup what it would not survive without', async () => {
      const does = 'kill -HUP $$; echo survived';
      expect(await run({ does }, ['nohup', 'npm', 'ci'])).toMatchObject({ code: 0, stdout: 'survived\n' });
    });
  });

  it('knows where it is by the name that the user has for it', async () => {
    const link = file(`link-${via.shell}-${via.way}`);
    symlinkSync(world.cwdOf(via), link);
    const { stdout } = await run({ does: 'pwd' }, ['sh', '-c', `cd '${link}' && npm ci`]);
    expect(stdout).toBe(`${link}\n`);
    // What lies above is for Node to find out.
    expect(world.slowCalls()).toBe(1);
  });

  it('has the limits that the user has set', async () => {
    const does =
      'ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc; ulimit -Ss; umask; grep SigIgn /proc/$$/status';
    const command: Command = [
      'bash',
      '-c',
      'ulimit -Sn 256; ulimit -Sc 0; ulimit -Ss 4096; umask 027; exec npm ci',
    ];
    expect(await run({ does, fetches: true }, command)).toEqual(await directly({ does }, command));
    world.slowCalls();
  });

  it('has the environment that the user has, whatever it holds', async () => {
    const env = {
      PWD: world.cwdOf(via),
      OLDPWD: '/',
      SHLVL: '3',
      IFS: 'x',
      ENV: '/none',
      BASH_ENV: '/none',
      CDPATH: '/',
      PS4: '+ ',
      OPTIND: '5',
      LINES: '10',
      COLUMNS: '20',
      TWO: 'a\nb',
      EMPTY: '',
      NODE_OPTIONS: '--no-warnings',
      ...(via.shell === 'bash' && { 'npm_config_@acme:registry': 'http://127.0.0.1:1/', 'a.b': 'dotted' }),
    };
    // busybox counts itself, and cannot be told not to.
    const unalike =
      via.shell === 'busybox'
        ? /^(PATH|_|PYRSIA_.*|npm_config_[a-z_]+|SHLVL)$/
        : /^(PATH|_|PYRSIA_.*|npm_config_[a-z_]+)$/;
    const seen = async (call: Call): Promise<Record<string, string>> => {
      const { stdout } = await world.begin({ ...call, does: 'exec env -0', env }).result;
      const all = environmentIn(stdout);
      const kept = Object.entries(all).filter(([name]) => !unalike.test(name));
      return Object.fromEntries(kept);
    };
    expect(await seen(via)).toEqual({ ...(await seen({ way: 'direct' })), PWD: world.cwdOf(via) });
    world.slowCalls();
  });

  it.runIf(process.env['CI'] === 'true' || programPath('make'))(
    'is called by make, two at a time',
    async () => {
      const makefile = join(world.cwdOf(via), 'Makefile');
      writeFileSync(makefile, 'all: one two\none:\n\t@npm ci one\ntwo:\n\t@npm ci two\n');
      const mark = `mark-${via.shell}-${via.way}`;
      // Neither ends before the other has begun.
      const does = `: > ../${mark}-$2; until [ -e ../${mark}-one ] && [ -e ../${mark}-two ]; do sleep 0.05; done; echo "$2"; [ "$2" = one ]`;
      const { code, stdout } = await run({ does }, ['make', '-j2']);
      expect(code).toBe(2);
      expect(
        stdout
          ?.split('\n')
          .filter((line) => !line.startsWith('make'))
          .toSorted(),
      ).toEqual(['', 'one', 'two']);
      rmSync(makefile);
      expect(world.slowCalls()).toBe(via.way === 'slow' ? 2 : 0);
    },
  );

  it('is called by xargs', async () => {
    const command: Command = ['sh', '-c', `printf 'a\\nb c\\n' | xargs -n 1 npm view`];
    const got = await run({ does: 'echo "$@"; exit 9' }, command);
    expect(got).toEqual({ code: 123, signal: null, stdout: 'view a\nview b\nview c\n', stderr: '' });
    expect(world.slowCalls()).toBe(via.way === 'slow' ? 3 : 0);
  });

  it('is called by cron, which says little', async () => {
    const { PATH, DOES, FETCHES, HOME } = world.envOf({ ...via, does: 'echo ran; exit 3', fetches: true });
    const bare = ['env', '-i', `HOME=${HOME}`, `PATH=${PATH}`, `DOES=${DOES}`] as const;
    try {
      const got = await run({}, [...bare, `FETCHES=${FETCHES}`, 'npm', 'ci']);
      expect(got).toEqual({ code: 3, signal: null, stdout: 'ran\n', stderr: '' });
      const last = await run({}, [...bare, ...world.sandbox.pyrsiaCommand(['why', 'last', '--json'])]);
      expect(JSON.parse(last.stdout!)).toMatchObject({ totals: { artifacts: 1 } });
    } finally {
      await run({}, [...bare, ...world.sandbox.pyrsiaCommand(['agent', 'stop'])]);
      rmSync(pathsOf({ HOME }).runtime, { recursive: true, force: true });
    }
    world.slowCalls();
  });

  it('runs without any environment', async () => {
    const [shims] = world.envOf(via)['PATH']!.split(':');
    const does = 'env | grep -vE "^(PWD|SHLVL|_|OLDPWD|DOES|PYRSIA_SHIM_DEPTH)="; exit 4';
    const { PATH } = world.envOf({ way: 'direct' });
    const got = await run({}, ['env', '-i', `PATH=${PATH}`, `DOES=${does}`, `${shims}/npm`, 'ls']);
    expect(got).toEqual({ code: 4, signal: null, stdout: `PATH=${PATH}\n`, stderr: '' });
    expect(world.slowCalls()).toBe(0);
  });
});
