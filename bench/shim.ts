/**
 * What a stand-in adds to a tool that does nothing, in the shells that it may be run by; how long the first call
 * takes, which starts the agent; and how long `pyrsia --version` takes. Interleaved, in one run, as multiples of
 * an empty `sh -c exec` of the same shell and of `node -e 0`.
 *
 *     npm run build && node bench/shim.ts [rounds] [shell…]
 *
 * Prints medians with their quartiles, and which processes each call starts, where strace is there.
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn as openPty } from '@lydell/node-pty';
import { tools } from '../src/ecosystems/tools.ts';
import { pathsOf } from '../src/paths.ts';
import { shimScript } from '../src/shims/shim-script.ts';

const rounds = Number(process.argv[2] ?? 200);
const given = process.argv.slice(3);
const shells = given.length > 0 ? given : ['/bin/bash', '/bin/dash'].filter((file) => existsSync(file));
/** Each starts an agent. */
const starts = Math.min(rounds, 20);

const root = join(import.meta.dirname, '..');
const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
const folder = (name: string): string => {
  mkdirSync(join(base, name), { recursive: true, mode: 0o700 });
  return join(base, name);
};
const [home, bin, project] = [folder('home'), folder('bin'), folder('home/some/project')];
const real = join(bin, 'npm');
const direct = {
  PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
  HOME: home,
  XDG_RUNTIME_DIR: folder('run'),
  TERM: 'xterm',
};
const paths = pathsOf(direct);
const env = { ...direct, PATH: [paths.shims, '/opt/a/bin', '/opt/b/bin', direct.PATH].join(delimiter) };
const shim = join(paths.shims, 'npm');
const pyrsia = (...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'bin', 'run.js'), ...args], { env, encoding: 'utf8' });

/** One thing that is timed: a program, and whether a terminal watches. */
interface Case {
  readonly command: readonly [string, ...string[]];
  readonly terminal?: boolean;
  /** What its time is measured against: the time that is added to it counts. */
  readonly beyond?: string;
  /** The most that it may be, as a multiple of which other. */
  readonly bar?: readonly [number, string];
  /** The agent has something to do afterwards. */
  readonly launches?: boolean;
}

function make(): void {
  const source = 'int main(void) { return 0; }';
  const made = spawnSync('cc', ['-O1', '-static', '-x', 'c', '-', '-o', real], { input: source });
  if (made.status !== 0) symlinkSync('/bin/true', real);
  mkdirSync(paths.shims, { recursive: true });
}

function install(interpreter: string): void {
  const tool = tools.find(({ executable }) => executable === 'npm')!;
  const entry = join(root, 'bin', 'shim.js');
  const { shims, runtime } = paths;
  const text = shimScript({
    tool,
    interpreter,
    node: process.execPath,
    entry,
    shims,
    runtime,
    uid: process.getuid!(),
    env,
  });
  writeFileSync(shim, text, { mode: 0o755 });
}

const nothing = openSync('/dev/null', 'r+');
/** A terminal that nobody reads; what is on it stays open until it ends. */
const held = openPty('/bin/sh', ['-c', 'while :; do sleep 60; done'], {});
while (!readlinkSync(`/proc/${held.pid}/fd/0`).startsWith('/dev/pts/')) await sleep(10);
const terminal = openSync(`/proc/${held.pid}/fd/0`, 'r+');

/** Milliseconds that one run takes. */
function time({ command: [program, ...args], terminal: onTerminal = false }: Case): number {
  const fd = onTerminal ? terminal : nothing;
  const begun = performance.now();
  const { status, error } = spawnSync(program, args, { cwd: project, env, stdio: [fd, fd, fd] });
  const took = performance.now() - begun;
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} ended with ${status}`);
  return took;
}

async function measure(
  cases: Readonly<Record<string, Case>>,
  times: number,
): Promise<Record<string, number[]>> {
  const took: Record<string, number[]> = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = -3; round < times; round++) {
    for (const [name, each] of shuffled(Object.entries(cases))) {
      const ms = time(each);
      if (round >= 0) took[name]!.push(ms);
      if (each.launches) await sleep(30);
    }
  }
  return took;
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => [Math.random(), value] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, value]) => value);
}

const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]!;
const median = (values: readonly number[]): number => quantile(values, 0.5);

function report(
  cases: Readonly<Record<string, Case>>,
  took: Readonly<Record<string, readonly number[]>>,
): void {
  const added = (name: string): number => {
    const { beyond } = cases[name]!;
    return median(took[name]!) - (beyond === undefined ? 0 : median(took[beyond]!));
  };
  for (const [name, { bar }] of Object.entries(cases)) {
    const quartiles = [0.25, 0.75].map((part) => quantile(took[name]!, part).toFixed(2)).join('–');
    const ratio = bar && added(name) / added(bar[1]);
    const judged =
      ratio === undefined
        ? ''
        : `${ratio.toFixed(2)} × ${bar![1]}, bar ${bar![0]}${ratio > bar![0] ? '  OVER' : ''}`;
    console.log(
      `  ${name.padEnd(34)} ${median(took[name]!).toFixed(2).padStart(7)} ms (${quartiles})`.padEnd(66),
      `added ${added(name).toFixed(2).padStart(6)} ms  ${judged}`,
    );
  }
}

/** The programs that a call consists of, itself left out; forks that start none are counted as the shell. */
function processes(command: readonly [string, ...string[]], fd: number): string {
  const log = join(base, 'strace');
  const traced = ['-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork', '-o', log, ...command];
  if (spawnSync('strace', traced, { cwd: project, env, stdio: [fd, fd, fd] }).error)
    return 'strace is not here';
  const lines = readFileSync(log, 'utf8').split('\n');
  const pids = new Set(lines.flatMap((line) => /^\d+/.exec(line) ?? []));
  const programs = lines.flatMap((line) => /execve\("([^"]+)".* = 0$/.exec(line)?.[1] ?? []);
  // Those of Node are threads.
  const count = programs.some((program) => basename(program) === 'node') ? '' : `${pids.size} processes: `;
  return count + programs.map((program) => basename(program)).join(' → ');
}

async function withShell(shell: string): Promise<void> {
  install(shell);
  time({ command: [shim, 'frob'] });
  for (let tries = 0; !existsSync(join(paths.runtime, 'quick-npm')); tries++) {
    if (tries > 100) throw new Error('The agent leaves no answer');
    await sleep(100);
  }
  const cases: Readonly<Record<string, Case>> = {
    direct: { command: [real, 'ci'] },
    'direct, on a terminal': { command: [real, 'ci'], terminal: true },
    empty: { command: [shell, '-c', 'exec "$0" ci', real], beyond: 'direct' },
    'node -e 0': { command: [process.execPath, '-e', '0'] },
    'nothing fetched': { command: [shim, 'run', 'x'], beyond: 'direct', bar: [1.5, 'empty'] },
    'quick way': { command: [shim, 'ci'], beyond: 'direct', bar: [3.5, 'empty'], launches: true },
    'quick way, on a terminal': {
      command: [shim, 'ci'],
      terminal: true,
      beyond: 'direct, on a terminal',
      bar: [3.5, 'empty'],
      launches: true,
    },
    'slow way': { command: [shim, 'frob'], beyond: 'direct', bar: [2.5, 'node -e 0'], launches: true },
    'slow way, on a terminal': {
      command: [shim, 'frob'],
      terminal: true,
      beyond: 'direct, on a terminal',
      bar: [2.5, 'node -e 0'],
      launches: true,
    },
  };
  const took = await measure(cases, rounds);
  console.log(`\n${shell}, ${rounds} rounds; median (quartiles)`);
  report(cases, took);
  console.log(`  nothing fetched: ${processes([shim, 'run', 'x'], nothing)}`);
  for (const [way, command] of [
    ['quick way', 'ci'],
    ['slow way', 'frob'],
  ] as const) {
    console.log(`  ${way}: ${processes([shim, command], nothing)}`);
    console.log(`  ${way}, on a terminal: ${processes([shim, command], terminal)}`);
  }
}

async function others(): Promise<void> {
  const cases: Readonly<Record<string, Case>> = {
    direct: { command: [real, 'ci'] },
    'node -e 0': { command: [process.execPath, '-e', '0'] },
    'first call, until the agent answers': {
      command: [shim, 'frob'],
      beyond: 'direct',
      bar: [6, 'node -e 0'],
    },
    'pyrsia --version': {
      command: [process.execPath, join(root, 'bin', 'run.js'), '--version'],
      bar: [3, 'node -e 0'],
    },
  };
  const took: Record<string, number[]> = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < starts; round++) {
    pyrsia('agent', 'stop');
    for (const [name, each] of Object.entries(cases)) took[name]!.push(time(each));
  }
  console.log(`\n${starts} rounds, the agent stopped before each`);
  report(cases, took);
}

try {
  make();
  for (const shell of shells) await withShell(shell);
  await others();
} finally {
  pyrsia('agent', 'stop');
  held.kill('SIGKILL');
  closeSync(terminal);
  rmSync(base, { recursive: true, force: true });
}
