/**
 * A home of its own for a test: directories, environment, npm and pyrsia, in which nothing of the person
 * who runs the tests is visible and from which nothing is left.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReportLine } from '../../src/resolve/report.ts';
import { type Command, type Finished, type RunOptions, type Running, start } from './command.ts';
import { killProcessesOf, processesOf } from './processes.ts';
import { type Project, type ProjectSpec, writeProject } from './project.ts';
import { asUser, type User } from './user.ts';

const PYRSIA = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Lines of an .npmrc. */
export type Npmrc = Readonly<Record<string, string | number | boolean>>;

/** How a sandbox is opened. */
export interface SandboxOptions {
  /** Whose it is, and as whom everything in it runs. Default: who runs the tests. */
  readonly user?: User;
  /** The registry that its npm is configured with. Default: npm's own. */
  readonly registry?: string;
  /** Further lines of its ~/.npmrc. */
  readonly npmrc?: Npmrc;
}

/** An open sandbox. Closing it ends every process that was started in it, and deletes it. */
export interface Sandbox extends AsyncDisposable {
  /** Absolute, and short enough for sockets below it. */
  readonly root: string;
  readonly home: string;
  /** The whole environment of what runs here; `env` of a call is added to it. */
  readonly env: Readonly<Record<string, string>>;
  /** A path for `$PYRSIA_REPORT`. */
  readonly reportFile: string;
  /** Runs a program to its end. Resolves with whatever exit code; rejects when it takes too long. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts a program and leaves it to the test. */
  start(command: Command, options?: RunOptions): Running;
  /** Runs the real npm. */
  npm(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs the built program with this process's Node. */
  pyrsia(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The command that {@link Sandbox.pyrsia} runs. */
  pyrsiaCommand(args: readonly string[]): Command;
  /** Gives npm a new, empty cache, and returns its path. */
  freshNpmCache(): string;
  /** Adds to ~/.npmrc, or replaces what it says. */
  npmrc(lines: Npmrc): void;
  /** Makes a project. A lockfile by npm costs the registry some requests: clear its log afterwards. */
  project(spec?: ProjectSpec): Promise<Project>;
  /** Reads a JSON Lines report; empty when there is none. */
  readReport(path?: string): readonly ReportLine[];
  /** Processes that run in it, agents included. */
  processes(): ReturnType<typeof processesOf>;
}

const pyrsiaCommand = (args: readonly string[]): Command => [process.execPath, PYRSIA, ...args];

/** Opens a sandbox below the system's temporary directory. */
export function openSandbox({ user, registry, npmrc = {} }: SandboxOptions = {}): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'pyr-'));
  const give = (path: string): string => {
    if (user && user.uid !== process.getuid?.())
      execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, path]);
    return path;
  };
  const folder = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path, { mode: 0o700 });
    return give(path);
  };
  give(root);

  const home = folder('home');
  const env: Record<string, string> = {
    PATH: pathWithoutNodeModules(),
    LANG: 'C.UTF-8',
    HOME: home,
    TMPDIR: folder('tmp'),
    XDG_CACHE_HOME: folder('cache'),
    XDG_STATE_HOME: folder('state'),
    XDG_CONFIG_HOME: folder('config'),
    XDG_RUNTIME_DIR: folder('run'),
    // Nearly all tests are about what comes to the proxy; those of filling say so.
    PYRSIA_FILL: 'off',
    PYRSIA_MAVEN_FILL: 'off',
    // Others that are tested at the same time are neighbours.
    PYRSIA_PEERS: 'off',
  };
  let caches = 0;
  const freshNpmCache = (): string => (env['npm_config_cache'] = folder(`npm-${(caches += 1)}`));
  freshNpmCache();

  let settings: Npmrc = {
    ...(registry !== undefined && { registry }),
    audit: false,
    fund: false,
    'update-notifier': false,
    // So that lockfiles name the registry, whatever the machine's own configuration says.
    'omit-lockfile-registry-resolved': false,
  };
  const configure = (lines: Npmrc): void => {
    settings = { ...settings, ...lines };
    const text = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(join(home, '.npmrc'), text.join(''), { mode: 0o600 });
    give(join(home, '.npmrc'));
  };
  configure(npmrc);

  const running = new Set<Running>();
  const begin = (command: Command, options: RunOptions = {}): Running => {
    const started = start(user ? asUser(user, command) : command, {
      cwd: home,
      ...options,
      env: { ...env, ...options.env },
    });
    running.add(started);
    return started;
  };
  const run: Sandbox['run'] = (program, args, options) => begin([program, ...args], options).result;
  const pyrsia: Sandbox['pyrsia'] = (args, options) => begin(pyrsiaCommand(args), options).result;
  const reportFile = join(root, 'report.jsonl');
  let projects = 0;

  return {
    root,
    home,
    env,
    reportFile,
    run,
    start: begin,
    npm: (args, options) => run('npm', args, options),
    pyrsia,
    pyrsiaCommand,
    freshNpmCache,
    npmrc: configure,
    processes: () => processesOf(root),

    async project(spec = {}) {
      const project = writeProject(folder(`project-${(projects += 1)}`), spec);
      give(project.dir);
      if (spec.lockfile !== undefined) return project;
      const throwaway = { npm_config_cache: folder(`npm-for-project-${projects}`) };
      const made = await run('npm', ['install', '--package-lock-only'], { cwd: project.dir, env: throwaway });
      if (made.code !== 0) throw new Error(`npm could not lock the project: ${made.stderr}`);
      return project;
    },

    readReport(path = reportFile) {
      if (!existsSync(path)) return [];
      const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as ReportLine);
    },

    async [Symbol.asyncDispose]() {
      for (const each of running) each.kill();
      await killProcessesOf(root);
      deleteTree(root);
    },
  };
}

/** Programs of this repository's dependencies are not what a user has. */
function pathWithoutNodeModules(): string {
  const folders = process.env['PATH']?.split(delimiter) ?? [];
  return folders.filter((folder) => !folder.includes('node_modules')).join(delimiter);
}

/** Deletes a directory in which directories may be read-only. */
function deleteTree(path: string): void {
  const open = (folder: string): void => {
    if (!lstatSync(folder).isDirectory()) return;
    chmodSync(folder, 0o700);
    for (const name of readdirSync(folder)) open(join(folder, name));
  };
  if (process.getuid?.() !== 0) open(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
