/**
 * A member of a network to try: a HOME of its own, a place in the network, and the commands that are run there.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Place } from './ground.ts';

const PYRSIA = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** How long somebody who is asked to end may take, in milliseconds. */
const ENDING_MS = 5000;

/** Directories that a member has for itself, by the variable that names them. */
const OWN = {
  XDG_CACHE_HOME: 'cache',
  XDG_STATE_HOME: 'state',
  XDG_CONFIG_HOME: 'config',
  XDG_RUNTIME_DIR: 'run',
  TMPDIR: 'tmp',
  npm_config_cache: 'npm',
};

/** How a command is run. */
export interface Asked {
  /** Whether the command and what it says is shown. Default: yes. */
  readonly shown?: boolean;
  /** How it has to end. Default: 0. */
  readonly code?: number;
  readonly cwd?: string;
}

/** A member. */
export interface Member extends AsyncDisposable {
  readonly name: string;
  readonly home: string;
  readonly address: string;
  /** Runs `pyrsia` with these arguments, and returns what it has printed. Rejects when it does not end as it has to. */
  pyrsia(args: readonly string[], asked?: Asked): Promise<string>;
  /** Runs a command through pyrsia. */
  through(command: readonly string[], asked?: Asked): Promise<void>;
  /** Starts a program of Node's that stays, and resolves when it has printed its first line. */
  serve(script: readonly string[]): Promise<void>;
  /** Starts `pyrsia` as something that stays. */
  stay(args: readonly string[]): Promise<void>;
  /** Ends what stays. */
  leave(): Promise<void>;
}

/** Settles a member in `home`. `env` is what its programs find besides. */
export function openMember(
  name: string,
  { home, place, env, signal }: { home: string; place: Place; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Member {
  const own = Object.fromEntries(Object.entries(OWN).map(([key, folder]) => [key, join(home, folder)]));
  for (const folder of Object.values(own)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The story is about the log.
  const all: NodeJS.ProcessEnv = { ...environment(), HOME: home, PYRSIA_PEERS: 'off', ...own, ...env };
  const staying = new Set<ChildProcess>();

  async function run(words: string, command: readonly string[], asked: Asked): Promise<string> {
    const { shown = true, code: wanted = 0, cwd = home } = asked;
    signal.throwIfAborted();
    if (shown) console.log(`\n${name}$ ${words}`);
    const [program = '', ...args] = place.inside(command);
    const child = spawn(program, args, { cwd, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
    const kill = (): void => void child.kill();
    signal.addEventListener('abort', kill);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
        if (shown) process[stream].write(text);
      });
    const [code]: (number | null)[] = await once(child, 'close');
    signal.removeEventListener('abort', kill);
    signal.throwIfAborted();
    if (code !== wanted)
      throw new Error(
        `${name}: ${words} ended with ${code}, not ${wanted}${shown ? '' : `: ${said.stderr}`}`,
      );
    return said.stdout;
  }

  async function keep(command: readonly string[]): Promise<void> {
    signal.throwIfAborted();
    const [program = '', ...args] = place.inside(command);
    const child = spawn(program, args, { cwd: home, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
    staying.add(child);
    child.once('exit', () => staying.delete(child));
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${name}: ${command.slice(1).join(' ')} has ended: ${complaint}`);
    });
    ended.catch(() => undefined);
    await Promise.race([once(child.stdout, 'data', { signal }), ended]);
    child.stdout.resume();
  }

  const ours = [process.execPath, PYRSIA];
  return {
    name,
    home,
    address: place.address,
    pyrsia: async (args, asked = {}) => run(['pyrsia', ...args].join(' '), [...ours, ...args], asked),
    async through(command, asked = {}) {
      const args = ['exec', '--', ...command];
      await run(['pyrsia', ...args].join(' '), [...ours, ...args], asked);
    },
    serve: async (script) => keep([process.execPath, ...script]),
    stay: async (args) => keep([...ours, ...args]),
    async leave() {
      await Promise.all([...staying].map(end));
    },
    async [Symbol.asyncDispose]() {
      await this.leave();
      const agent = place.inside([...ours, 'agent', 'stop']);
      const stop = spawn(agent[0]!, agent.slice(1), { env: all, stdio: 'ignore' });
      await Promise.race([once(stop, 'close'), waited(ENDING_MS)]);
      stop.kill('SIGKILL');
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  await Promise.race([gone, waited(ENDING_MS)]);
  child.kill('SIGKILL');
}

const waited = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

/** What a member finds of the environment of whoever has started this: nothing that configures npm, pyrsia or a proxy. */
function environment(): NodeJS.ProcessEnv {
  const foreign = /^(npm_|pyrsia|xdg_|https?_proxy$|all_proxy$|no_proxy$|node_options$)/i;
  const kept = Object.entries(process.env).filter(([key]) => !foreign.test(key));
  return { ...Object.fromEntries(kept), PATH: pathOfUser() };
}

/** npm as the user has it, not on the Node that this script runs on. */
function pathOfUser(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.filter((folder) => !folder.includes('node_modules')).join(delimiter);
}

/** Writes a command into `directory` that runs whatever follows it as this member. */
export function writeDoor(
  path: string,
  { place, home, env }: { place: Place; home: string; env: NodeJS.ProcessEnv },
): void {
  const own = Object.entries(OWN).map(([key, folder]) => [key, join(home, folder)] as const);
  const variables = [...own, ['HOME', home], ...Object.entries(env), ['PATH', `${home}/bin:${pathOfUser()}`]];
  const words = place.inside(['env', ...variables.map(([key, value]) => `${key}=${value}`)]);
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'bin', 'pyrsia'), script([process.execPath, PYRSIA]), { mode: 0o755 });
  writeFileSync(path, script(words), { mode: 0o755 });
}

const script = (command: readonly string[]): string =>
  `#!/bin/sh\nexec ${command.map(quoted).join(' ')} "$@"\n`;

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
