/**
 * Which Node a `node` on the PATH is. Version managers (mise, volta, asdf) put programs of that name there, which
 * start another one in each directory; and npm derives from where its Node lies which file is the global
 * configuration.
 *
 * @module
 */
import { realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { PyrsiaError } from '../errors.ts';

/** A program called node that has as many bytes is one, and need not be started to be asked: 20 MB. */
const NODE_SIZE = 20_000_000;

/** How long a version manager may take to start its Node: 5 s. */
const START_TIMEOUT_MS = 5000;

/** A Node. */
export interface FoundNode {
  /** Absolute, links resolved. */
  readonly path: string;
  /** Whether another directory might have another one. */
  readonly varies: boolean;
}

/** Finds out which Node `node` is, where it is started in `cwd`. @throws PyrsiaError `CONFIG_INVALID` when it does not say */
export type FindNode = (
  node: string,
  context: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
) => Promise<FoundNode>;

/** Asks every program once where it is itself, and those that turn out to be somebody else each time. */
export function openNodeFinder(): FindNode {
  const itself = new Set<string>();
  return async (node, { cwd, env }) => {
    const path = await realpath(node).catch(() => node);
    const { dev, ino, size, mtimeMs } = await stat(path).catch(unusable(node, cwd));
    const identity = [path, dev, ino, size, mtimeMs].join(' ');
    const isNode = size >= NODE_SIZE && /^node(js)?(\.exe)?$/.test(basename(path));
    if (isNode || itself.has(identity)) return { path, varies: false };
    const found = await ask(node, cwd, env).catch(unusable(node, cwd));
    if (found === path) itself.add(identity);
    return { path: found, varies: found !== path };
  };
}

async function ask(node: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { stdout } = await promisify(execFile)(node, ['-p', 'process.execPath'], {
    cwd,
    // What is to be loaded into npm might speak before.
    env: { ...env, NODE_OPTIONS: '' },
    timeout: START_TIMEOUT_MS,
  });
  return realpath(stdout.replace(/\r?\n$/, ''));
}

function unusable(node: string, cwd: string): (cause: unknown) => never {
  return (cause) => {
    const problem = `npm's configuration: ${node} does not say which Node it starts in ${cwd}`;
    throw new PyrsiaError('CONFIG_INVALID', { problems: [problem] }, { cause });
  };
}
