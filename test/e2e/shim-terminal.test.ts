/** Whoever sits at a terminal cannot tell a tool behind a stand-in from the tool, but by its receipt. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from '../support/command.ts';
import type { Terminal } from '../support/terminal.ts';
import { type Call, led, openShimWorld, programPath, type ShimWorld, type Way } from './shim-world.ts';

const RECEIPT = /^pyrsia: 1 package · 1 (upstream|cache) · .* {2}\(pyrsia why last\)\n$/;
/** Counts interrupts, and tidies up after the first. */
const TIDY = `trap 'n=$((n+1)); echo caught' INT; echo ready; while [ -z "$n" ]; do sleep 0.05; done; sleep 0.3; echo "n is $n"; exit 3`;
const STAY = 'echo "pid $$ is ready"; exec sleep 600';

let world: ShimWorld;
beforeAll(async () => {
  world = await openShimWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** The state of a process as /proc shows it: T is stopped; undefined is gone, or at least dead. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state] = stat.slice(stat.lastIndexOf(')') + 2);
    return state === 'Z' ? undefined : state;
  } catch {
    return undefined;
  }
}

/** The tool's pid, once it is ready. */
async function ready(terminal: Terminal): Promise<number> {
  return Number(/pid (\d+) is ready\n$/.exec(await terminal.says(/pid \d+ is ready\n/))![1]);
}

const type = (terminal: Terminal, line: string): void => terminal.write(`${line}\r`);

describe.each(led)('a tool behind $shell, the $way way', { timeout: 90_000 }, (via) => {
  beforeAll(() => void world.slowCalls());
  afterEach(() => expect(world.slowCalls()).toBe(via.way === 'slow' ? 1 : 0));

  const at = (does: string, call: Partial<Call> = {}, ...more: [command?: Command]): Terminal =>
    world.onTerminal({ ...via, does, ...call }, ...more);

  it.each([0, 7, 255])('ends with its own code %i, and then there is the receipt', async (code) => {
    await using terminal = at(`echo out; echo err >&2; exit ${code}`, { fetches: true });
    expect(await terminal.ends()).toEqual({ code, signal: null });
    expect(terminal.screen).toMatch(/^out\nerr\n/);
    expect(terminal.screen.slice('out\nerr\n'.length)).toMatch(RECEIPT);
  });

  it('shows what it shows, and nothing else, when it fetched nothing', async () => {
    await using terminal = at('tty; test -t 0 && test -t 1 && test -t 2 && echo three');
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(terminal.screen).toMatch(/^\/dev\/pts\/\d+\nthree\n$/);
  });

  it('has its stdout for itself, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * index) % 251));
    writeFileSync(join(world.sandbox.root, 'bytes'), bytes);
    const command: Command = ['sh', '-c', 'npm ci > ../out'];
    await using terminal = at('cat ../bytes; echo last >&2; exit 4', { fetches: true }, command);
    expect(await terminal.ends()).toEqual({ code: 4, signal: null });
    expect(terminal.screen).toMatch(/^last\n/);
    expect(terminal.screen.slice('last\n'.length)).toMatch(RECEIPT);
    expect(readFileSync(join(world.sandbox.root, 'out')).equals(bytes)).toBe(true);
  });

  it('dies of Ctrl-C, and so does the script that it is in', async () => {
    await using terminal = at(STAY, { fetches: true }, ['bash', '-c', 'npm ci; echo went on']);
    await ready(terminal);
    terminal.write('\x03');
    expect(await terminal.ends()).toEqual({ code: null, signal: 'SIGINT' });
    expect(terminal.screen).toMatch(/ready\n\^C/);
    expect(terminal.screen.split('^C')[1]).toMatch(RECEIPT);
  });

  it('gets Ctrl-C once, may tidy up, and the script that it is in goes on', async () => {
    await using terminal = at(TIDY, {}, ['bash', '-c', 'npm ci; echo "then $?"']);
    await terminal.says('ready');
    terminal.write('\x03');
    await terminal.says('n is 1\nthen 3\n');
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
  });

  it('dies of Ctrl-\\, and we with it, without a core', async () => {
    // bash lets QUIT pass by itself; where sh is another shell, that one dies of it in our place.
    const sh = await world.sandbox.run('sh', ['-c', 'ulimit -c 0; kill -3 $$; exit 131']);
    await using terminal = at(`ulimit -c 0; ${STAY}`, {}, ['bash', '-c', 'ulimit -c unlimited; exec npm ci']);
    await ready(terminal);
    terminal.write('\x1C');
    expect(await terminal.ends()).toEqual({ code: sh.code, signal: sh.signal });
    expect(readdirSync(world.cwdOf(via)).filter((name) => name !== '.npmrc')).toEqual([]);
  });

  it('is killed, and its receipt is there all the same', async () => {
    await using terminal = at('kill -9 $$', { fetches: true }, ['bash', '-c', 'npm ci; echo "then $?"']);
    await terminal.says('then 137\n');
    expect(terminal.screen).toMatch(/^pyrsia: 1 package · /m);
  });

  it('is killed, and so are we', async () => {
    await using terminal = at('kill -9 $$');
    expect(await terminal.ends()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(terminal.screen).toBe('');
  });

  it('dies of a pipe that nobody reads', async () => {
    const command: Command = ['bash', '-c', 'npm ci | head -n 1; echo "${PIPESTATUS[0]}"'];
    await using terminal = at('exec yes', { fetches: true }, command);
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(terminal.screen).toMatch(/^y\npyrsia: 1 package .*\n141\n$/);
  });

  it('has its receipt where stderr alone is the terminal', async () => {
    await using terminal = at('echo err >&2; exit 5', { fetches: true }, ['sh', '-c', 'npm ci <&- >&-']);
    expect(await terminal.ends()).toEqual({ code: 5, signal: null });
    expect(terminal.screen).toMatch(/^err\npyrsia: 1 package .*\n$/);
  });

  it('learns that the window has another size', async () => {
    const does = `trap 'exit 0' INT; trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done`;
    await using terminal = at(does);
    await terminal.says('24 80\n');
    terminal.resize(101, 33);
    await terminal.says('33 101\n');
    terminal.write('\x03');
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
  });

  it('reads keys one by one, Ctrl-C and Ctrl-Z too, and leaves the terminal as it was', async () => {
    const program = `
      process.stdin.setRawMode(true).on('data', (keys) => {
        process.stdout.write(JSON.stringify(String(keys)) + ' ');
        if (String(keys) === 'q') process.exit(4);
      });
      process.stdout.write('ready ');`;
    writeFileSync(join(world.sandbox.root, 'raw.cjs'), program);
    const script =
      'was=$(stty -g); npm ci; code=$?; test "$was" = "$(stty -g)" && echo as before; exit $code';
    await using terminal = at('exec node ../raw.cjs', {}, ['sh', '-c', script]);
    await terminal.says('ready ');
    for (const keys of ['a', '\x03', '\x1A', '\x04', '\r', 'q']) {
      terminal.write(keys);
      await terminal.says(`${JSON.stringify(keys)} `);
    }
    expect(await terminal.ends()).toEqual({ code: 4, signal: null });
    expect(terminal.screen).toMatch(/as before\n$/);
  });

  it('can be an interactive shell, which takes the terminal for its own jobs', async () => {
    // A bash above, such as the stand-in's own, takes PS1 out of the environment.
    const shell = 'export PS1="> "; exec bash --norc --noprofile --noediting -i';
    await using terminal = at(shell, { fetches: true });
    await terminal.says('> ');
    terminal.write(`sh -c 'echo wa""its; read line; echo "got $line"'\r`);
    await terminal.says('waits\n');
    terminal.write('\x1A');
    await terminal.says(/Stopped.*\n> /);
    terminal.write('fg\rhello\r');
    await terminal.says('got hello\n> ');
    terminal.write('\x03');
    await terminal.says('> ');
    type(terminal, 'exit 9');
    expect(await terminal.ends()).toEqual({ code: 9, signal: null });
    expect(terminal.screen).toMatch(/exit\npyrsia: 1 package .*\n$/);
  });
});

/** Shells that people sit at. */
const interactive = [
  { name: 'bash', command: ['bash', '--norc', '--noprofile', '--noediting', '-i'] },
  { name: 'dash', command: ['dash', '-i'] },
  { name: 'zsh', command: ['zsh', '-f', '-o', 'no_zle', '-o', 'no_prompt_sp', '-i'] },
].filter(({ name }) => process.env['CI'] === 'true' || programPath(name) !== undefined);
const jobs = interactive.flatMap(({ name, command }) =>
  led.filter(({ shell }) => shell === 'bash' || name === 'bash').map((via) => ({ ...via, name, command })),
);

describe.each(jobs)(
  'a job of $name, behind $shell, the $way way',
  { timeout: 90_000 },
  ({ command, ...via }) => {
    /** An interactive shell at its prompt. */
    async function prompt(does: string): Promise<Terminal> {
      const call = { ...via, does, fetches: true, env: { PS1: '> ', ENV: '' } };
      const terminal = world.onTerminal(call, command as [string, ...string[]]);
      await terminal.says('> ');
      return terminal;
    }

    it('stops with Ctrl-Z and goes on with fg, as often as one likes', async () => {
      const does = `echo "pid $$ is ready"; while read line; do echo "got $line"; done; exit 6`;
      await using terminal = await prompt(does);
      type(terminal, 'npm ci');
      const pid = await ready(terminal);
      for (const round of ['once', 'twice']) {
        terminal.write('\x1A');
        await terminal.says(/([Ss]topped|suspended).*\n> /);
        await expect.poll(() => stateOf(pid)).toBe('T');
        type(terminal, 'fg');
        await terminal.says(/npm ci\n/);
        type(terminal, round);
        await terminal.says(`got ${round}\n`);
      }
      terminal.write('\x04');
      await terminal.says(/pyrsia: 1 package .*\n/);
      await terminal.says('> ');
      type(terminal, 'echo "it was" $?');
      await terminal.says('it was 6\n');
      type(terminal, 'exit');
      await terminal.ends();
    });

    it('is ended by kill %1, in the background and stopped', async () => {
      await using terminal = await prompt(STAY);
      type(terminal, 'npm ci &');
      const first = await ready(terminal);
      type(terminal, 'kill %1');
      await expect.poll(() => stateOf(first)).toBe(undefined);
      type(terminal, 'wait; echo "the jobs:" $(jobs)"."');
      await terminal.says('the jobs: .\n');

      type(terminal, 'npm ci');
      const second = await ready(terminal);
      terminal.write('\x1A');
      await terminal.says(/([Ss]topped|suspended).*\n> /);
      type(terminal, 'kill %1');
      // Not every shell wakes what it kills.
      type(terminal, 'bg %1');
      await expect.poll(() => stateOf(second)).toBe(undefined);
      type(terminal, 'wait; echo "the jobs:" $(jobs)"."');
      await terminal.says('the jobs: .\n');
      type(terminal, 'exit');
      await terminal.ends();
    });

    it('goes with the window', async () => {
      await using terminal = await prompt(STAY);
      type(terminal, 'npm ci');
      const pid = await ready(terminal);
      terminal.signal('SIGHUP');
      await terminal.ends();
      await expect.poll(() => stateOf(pid)).toBe(undefined);
    });
  },
);

describe('the real npm', { timeout: 90_000 }, () => {
  let real: ShimWorld;
  let folders = 0;
  beforeAll(async () => {
    real = await openShimWorld({ real: true });
  });
  afterAll(() => real?.[Symbol.asyncDispose]());

  /** An empty directory from which calls go this way. */
  function folder(way: Way): string {
    const path = join(real.cwdOf({ way }), `folder-${(folders += 1)}`);
    mkdirSync(path);
    return path;
  }
  const checkWay = (way: Way): void => expect(real.slowCalls()).toBe(way === 'slow' ? 1 : 0);

  it.each(['direct', 'quick', 'slow'] as const)('asks its questions, the %s way', async (way) => {
    const cwd = folder(way);
    await using terminal = real.onTerminal({ way }, ['npm', 'init'], { cwd });
    await terminal.says('package name:');
    type(terminal, 'typed');
    await terminal.says('version:');
    type(terminal, '2.0.1');
    await terminal.says('description:');
    type(terminal, 'Hand made, žluťoučký');
    const others =
      /\[0J(entry point|test command|git repository|keywords|author|license|type|Is this OK)[^\n]*?[:)] /;
    for (let asked = ''; !asked.includes('Is this OK'); type(terminal, ''))
      asked = await terminal.says(others);
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    const made: unknown = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    expect(made).toMatchObject({ name: 'typed', version: '2.0.1', description: 'Hand made, žluťoučký' });
    checkWay(way);
  });

  it.each(['quick', 'slow'] as const)(
    'has the receipt below all that it says itself, the %s way',
    async (way) => {
      const cwd = folder(way);
      real.sandbox.freshNpmCache();
      await using terminal = real.onTerminal({ way }, ['npm', 'install', 'left'], { cwd });
      expect(await terminal.ends()).toEqual({ code: 0, signal: null });
      expect(terminal.screen).toMatch(/added 1 package in .*\n(.*\n)*.*pyrsia: 1 package · .*\n$/);
      checkWay(way);
    },
  );

  it('answers on stdout, byte for byte what it answers without us', async () => {
    const answers: Buffer[] = [];
    for (const way of ['direct', 'quick', 'slow'] as const) {
      const cwd = folder(way);
      await using terminal = real.onTerminal({ way }, ['sh', '-c', 'npm view left dist --json > answer'], {
        cwd,
      });
      expect(await terminal.ends()).toEqual({ code: 0, signal: null });
      answers.push(readFileSync(join(cwd, 'answer')));
      checkWay(way);
    }
    expect(answers[0]!.toString()).toContain('left-1.0.0.tgz');
    expect(answers.map(String)).toEqual(Array(3).fill(String(answers[0])));
  });

  it('ends in the same way when it is interrupted, also below itself', async () => {
    const ends: Record<string, unknown> = {};
    for (const way of ['direct', 'quick', 'slow'] as const) {
      for (const word of ['install', 'run']) {
        const cwd = folder(way);
        // Another one each time: who asks for the same while it is on its way waits for the same answer.
        const name = `hangs-${word}-${way}`;
        real.registry.misbehave({ kind: 'hang', match: `/${name}` });
        writeFileSync(join(cwd, 'package.json'), JSON.stringify({ scripts: { get: `npm install ${name}` } }));
        const args = word === 'run' ? ['run', 'get'] : ['install', name];
        await using terminal = real.onTerminal({ way }, ['npm', ...args], { cwd });
        const asked = (): boolean => real.registry.log.all.some(({ path }) => path === `/${name}`);
        await expect.poll(asked, { timeout: 30_000 }).toBe(true);
        terminal.write('\x03');
        ends[`${word}, ${way}`] = await terminal.ends();
        // npm tells those below it so much of its settings that only Node knows what is meant.
        checkWay(word === 'run' && way === 'quick' ? 'slow' : way);
      }
    }
    const [install, run] = [ends['install, direct'], ends['run, direct']];
    expect(ends).toEqual({
      'install, direct': install,
      'install, quick': install,
      'install, slow': install,
      'run, direct': run,
      'run, quick': run,
      'run, slow': run,
    });
  });
});
