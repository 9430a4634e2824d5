/**
 * The main job on real input: pulls a package, then runs a real `npm ci` of a project with 503 packages
 * three times, with npm's own cache empty each time: store cold, store warm, and with upstream unreachable
 * (in a network namespace without a network where one can be made, else behind a proxy that refuses). No
 * offline flag is set. Each ends with Pyrsia's receipt. Everything it makes is in a temporary directory.
 *
 *     npm run demo
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { writeNpm503 } from '../test/support/npm-503.ts';

const base = await mkdtemp(join(tmpdir(), 'pyrsia-demo-'));
const project = join(base, 'project');
const pyrsia = [process.execPath, join(import.meta.dirname, '..', 'bin', 'run.js')];
const env: NodeJS.ProcessEnv = {
  ...process.env,
  // npm as the user has it, not on the Node that this script runs on.
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(delimiter),
  XDG_CACHE_HOME: join(base, 'cache'),
  XDG_STATE_HOME: join(base, 'state'),
  XDG_RUNTIME_DIR: base,
  // It shows what one has alone.
  PYRSIA_PEERS: 'off',
  npm_config_cache: join(base, 'npm-cache'),
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
};

function run(title: string, command: readonly string[], more: NodeJS.ProcessEnv = {}): void {
  console.log(`\n${title}`);
  const [program, ...args] = command;
  const { status } = spawnSync(program!, args, { cwd: project, env: { ...env, ...more }, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${title}: exit code ${status}`);
}

async function install(
  title: string,
  wrap: (command: readonly string[]) => readonly string[],
  more?: NodeJS.ProcessEnv,
): Promise<void> {
  await rm(join(base, 'npm-cache'), { recursive: true, force: true });
  await rm(join(project, 'node_modules'), { recursive: true, force: true });
  run(title, wrap([...pyrsia, 'exec', '--', 'npm', 'ci', '--ignore-scripts', '--loglevel=error']), more);
}

/** A shell in a network namespace of its own with nothing but loopback, or undefined where none can be made. */
function withoutNetwork(): ((command: readonly string[]) => readonly string[]) | undefined {
  for (const unshare of [
    ['unshare', '-n'],
    ['unshare', '-rn'],
  ]) {
    const inside = [...unshare, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
    if (spawnSync(inside[0]!, [...inside.slice(1), 'true']).status === 0)
      return (command) => [...inside, ...command];
  }
  return undefined;
}

try {
  await mkdir(project);
  writeNpm503(project);
  run('A package by name:', [...pyrsia, 'pull', 'npm:express@^5']);
  await install('npm ci, 503 packages, from upstream:', (command) => command);
  await install('The same again, from the cache:', (command) => command);
  const isolated = withoutNetwork();
  if (isolated)
    await install(
      'And without any network (a namespace of its own, whose agent only reads the cache):',
      isolated,
    );
  else {
    const nowhere = { npm_config_proxy: 'http://127.0.0.1:9', npm_config_https_proxy: 'http://127.0.0.1:9' };
    await install('And with upstream unreachable:', (command) => command, nowhere);
  }
  run('What works offline:', [...pyrsia, 'cache', 'size']);
} finally {
  spawnSync(pyrsia[0]!, [pyrsia[1]!, 'agent', 'stop'], { env });
  await rm(base, { recursive: true, force: true });
}
