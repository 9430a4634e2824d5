/**
 * A stand-in, for npm where nothing else is said, on a PATH of its own, a real tool that tells how it was called, and
 * where wanted an agent that does nothing but exist.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { tools } from '../../src/ecosystems/tools.ts';
import type { CalledTool } from '../../src/ecosystems/ecosystem.ts';
import { pathsOf } from '../../src/paths.ts';
import { quickFile } from '../../src/shims/quick-file.ts';
import { type ShimOptions, shimScript } from '../../src/shims/shim-script.ts';
import { type Finished, type RunOptions, start } from '../support/command.ts';

/** Shells of this machine that a stand-in may be run by. */
export const SHELLS: Readonly<Record<string, string>> = Object.fromEntries(
  ['bash', 'dash', 'busybox'].flatMap((name) => {
    const file = ['/bin', '/usr/bin'].map((directory) => join(directory, name)).find(isExecutable);
    return file === undefined ? [] : [[name, file]];
  }),
);

/** How a program was called, as it tells itself. */
export interface Called {
  /** The `real` tool, or `node`: the client that decides. */
  readonly who: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly cwd: string;
}

/** An open world of one stand-in. */
export interface StandInWorld extends AsyncDisposable {
  readonly root: string;
  /** The interpreter, as a stand-in names it. */
  readonly shell: string;
  readonly home: string;
  readonly project: string;
  /** The stand-in, and the directory it lies in. */
  readonly shim: string;
  readonly shims: string;
  /** The real tool, and the directory it lies in. */
  readonly real: string;
  readonly bin: string;
  /** The agent's directory. */
  readonly runtime: string;
  readonly env: Readonly<Record<string, string>>;
  /** Makes the stand-in anew. */
  install(changed?: Partial<ShimOptions>): void;
  /** Calls the stand-in, or `program`. */
  run(args: readonly string[], options?: RunOptions & { readonly program?: string }): Promise<Finished>;
  /** The same, and how that ended up being called. Fails if nothing was. */
  call(args: readonly string[], options?: RunOptions & { readonly program?: string }): Promise<Called>;
  /** Leaves an answer of an agent that is there; `lines` follow its first seven. */
  answer(changed?: Partial<QuickHead>, lines?: readonly string[]): void;
  /** What lies among the launch files. */
  launches(): readonly string[];
  /** The fields of the one launch file that there is, the last one empty. */
  launch(): readonly string[];
}

/** The first lines of a quick file. */
export interface QuickHead {
  readonly format: string;
  readonly pid: number;
  readonly generation: string;
  readonly executable: string;
  readonly node: string;
  readonly variables: string;
  readonly lockfile: string;
}

/** Opens a world whose stand-in, for `executable`, is run by the shell `name`, below a directory called `called`. */
export async function openStandIn(name: string, called = 'home', executable = 'npm'): Promise<StandInWorld> {
  const tool: CalledTool = tools.find((each) => each.executable === executable)!;
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pyr-')));
  const folder = (path: string): string => {
    mkdirSync(join(root, path), { recursive: true, mode: 0o700 });
    return join(root, path);
  };
  // busybox is whatever it is called.
  const shell = name === 'busybox' ? join(folder('shell'), 'sh') : SHELLS[name]!;
  if (name === 'busybox') symlinkSync(SHELLS[name]!, shell);

  const home = folder(called);
  const [shims, bin, project] = [folder(`${called}/shims`), folder('bin'), folder(`${called}/a/project`)];
  const env = {
    HOME: home,
    PATH: [shims, bin, '/usr/bin', '/bin'].join(delimiter),
    XDG_RUNTIME_DIR: folder('run'),
    SHLVL: '3',
    PWD: project,
  };
  const { runtime } = pathsOf(env);
  mkdirSync(join(runtime, 'launch'), { recursive: true, mode: 0o700 });
  const [shim, real] = [join(shims, executable), join(bin, executable)];
  for (const [file, who] of [
    [real, 'real'],
    [join(root, 'client.cjs'), 'node'],
    [join(bin, 'node'), 'node on the PATH'],
  ] as const) {
    writeFileSync(file, tells(who), { mode: 0o755 });
  }
  const install: StandInWorld['install'] = (changed = {}) => {
    const options: ShimOptions = {
      tool,
      interpreter: shell,
      node: process.execPath,
      entry: join(root, 'client.cjs'),
      shims,
      runtime,
      uid: process.getuid!(),
      env,
      ...changed,
    };
    writeFileSync(shim, shimScript(options));
    chmodSync(shim, 0o755);
  };
  install();

  let agent: ChildProcess | undefined;
  const run: StandInWorld['run'] = (args, { program = shim, ...options } = {}) =>
    start([program, ...args], { cwd: project, ...options, env: { ...env, ...options.env } }).result;
  const launches = (): readonly string[] => readdirSync(join(runtime, 'launch'));

  return {
    root,
    shell,
    home,
    project,
    shim,
    shims,
    real,
    bin,
    runtime,
    env,
    install,
    run,
    launches,

    async call(args, options) {
      const { code, stdout, stderr } = await run(args, options);
      if (code !== 0 || stderr !== '') throw new Error(`It ended with ${code}, saying: ${stderr}`);
      return JSON.parse(stdout) as Called;
    },

    answer(changed = {}, lines = []) {
      agent ??= spawn('/bin/sh', ['-c', 'while :; do sleep 60; done'], { cwd: runtime, stdio: 'ignore' });
      const head: QuickHead = {
        format: 'pyrsia-quick-1',
        pid: agent.pid!,
        generation: '0123456789abcdef',
        executable: real,
        node: join(bin, 'node'),
        variables: '|'.repeat(tool.settings.variables.length - 1),
        lockfile: '',
        ...changed,
      };
      const file = quickFile(runtime, executable);
      writeFileSync(file, [...Object.values(head), ...lines, 'end', ''].join('\n'), { mode: 0o600 });
      const madeAt = Date.now() / 1000 + 10;
      utimesSync(file, madeAt, madeAt);
    },

    launch() {
      const [id, ...others] = launches().filter((file) => !file.includes('.'));
      if (id === undefined || others.length > 0) throw new Error(`Launch files: ${launches().join(' ')}`);
      return readFileSync(join(runtime, 'launch', id), 'utf8').split('\0');
    },

    async [Symbol.asyncDispose]() {
      if (agent && agent.exitCode === null && agent.signalCode === null) {
        agent.kill('SIGKILL');
        await once(agent, 'exit');
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A program that tells how it was called, and ends with `$EXIT`. */
function tells(who: string): string {
  return `#!${process.execPath}
const [, file, ...args] = process.argv;
const { env, pid } = process;
process.stdout.write(JSON.stringify({ who: ${JSON.stringify(who)}, file, args, env, pid, cwd: process.cwd() }));
process.exitCode = Number(env.EXIT ?? 0);
`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
