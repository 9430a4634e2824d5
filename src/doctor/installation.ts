/**
 * Which pyrsia one gets by typing its name, and on which Node it would run.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { supports } from '../../bin/engines.js';
import { isRecord } from '../control/lines.ts';
import { findTool } from '../shims/find-tool.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** How long a program may take to say its version, in milliseconds. */
const VERSION_MS = 4_000;

/** A pyrsia on the PATH. */
interface Installed {
  /** As found on the PATH. */
  readonly file: string;
  /** Where it is really. */
  readonly real: string;
  /** The directory of its package.json; undefined when it has none of ours. */
  readonly root: string | undefined;
  readonly version: string | undefined;
}

/** Looks for other Pyrsias on the PATH. */
export async function lookForOthers({ env, root, version, signal }: Patient): Promise<Finding[]> {
  const all = await Promise.all(onPath(env['PATH']).map((file) => installedAt(file, signal)));
  const ours = realpathSync(root);
  const others = all.filter((each) =>
    each.root === undefined ? each.version !== version : each.root !== ours,
  );
  return others.map((other): Finding => {
    const where = other.root ?? dirname(other.real);
    return {
      id: 'pyrsia-twice',
      level: 'wrong',
      title: `There is another pyrsia: ${other.file} is ${other.version ?? 'of an unknown version'} in ${where}, this is ${version} in ${root}`,
      cost:
        other === all[0]
          ? 'It is what runs when you type pyrsia, and it ends the agent of this one to start its own'
          : 'What was installed with the one is not what the other keeps up to date',
      remedy: removalOf(other),
    };
  });
}

/** Every file that a typed `pyrsia` might be, the first first. Links to the same file count once. */
function onPath(path = ''): string[] {
  const found = path.split(delimiter).flatMap((directory) => {
    const file = isAbsolute(directory) ? findTool('pyrsia', directory) : undefined;
    return file === undefined ? [] : [[realpathSync(file), file] as const];
  });
  return [...new Map(found.toReversed()).values()].toReversed();
}

/** What lies at `file`. Some version managers put a program of their own there: that is asked. */
async function installedAt(file: string, signal: AbortSignal): Promise<Installed> {
  const real = realpathSync(file);
  const root = dirname(dirname(real));
  const manifest = manifestOf(root);
  if (manifest?.name === 'pyrsia') return { file, real, root, version: manifest.version };
  const said = await outputOf(file, signal);
  return { file, real, root: undefined, version: /^pyrsia[/ ](\d+\.\d+\.\d+)/.exec(said)?.[1] };
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  /** The versions of Node that it runs on. */
  readonly node?: string;
}

/** What a package says of itself legibly; undefined where there is none. */
export function manifestOf(root: string): Manifest | undefined {
  try {
    const said: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    if (!isRecord(said)) return undefined;
    const { name, version, engines } = said;
    const node = isRecord(engines) ? engines['node'] : undefined;
    return {
      ...(typeof name === 'string' && { name }),
      ...(typeof version === 'string' && { version }),
      ...(typeof node === 'string' && { node }),
    };
  } catch {
    return undefined;
  }
}

/** npm puts a package into PREFIX/lib/node_modules and a link into PREFIX/bin. */
function removalOf({ file, root }: Installed): string {
  const prefix = dirname(dirname(file));
  return root === join(prefix, 'lib', 'node_modules', 'pyrsia')
    ? `npm uninstall -g --prefix ${word(prefix)} pyrsia`
    : `rm ${word(file)}`;
}

/** Whether the Node that a typed `pyrsia` is run with can run it: the one that is first on the PATH. */
export async function lookAtNode({ env, root, signal }: Patient): Promise<Finding[]> {
  const typed = findTool('pyrsia', env['PATH']);
  const node = findTool('node', env['PATH']);
  if (typed === undefined || !firstLine(typed).includes('env node')) return [];
  const found = node === undefined ? undefined : await versionOf(node, signal);
  const wanted = String(manifestOf(root)?.node);
  if (found !== undefined && supports(wanted, found)) return [];
  return [
    {
      id: 'node-too-old',
      level: 'wrong',
      title:
        node === undefined
          ? 'There is no node on the PATH'
          : `The first node on the PATH, ${node}, is ${found ?? 'of no version that it would tell'}; pyrsia needs ${wanted}`,
      cost: 'pyrsia cannot be run by its name here; shims run the Node that they were installed with',
      remedy: `PATH=${word(dirname(process.execPath))}:$PATH pyrsia doctor`,
    },
  ];
}

/** The version of a Node; undefined when it cannot be run. */
export async function versionOf(node: string, signal: AbortSignal): Promise<string | undefined> {
  return /^v(\d+\.\d+\.\d+)/.exec(await outputOf(node, signal))?.[1];
}

/** What a program says to `--version`; empty when it fails. */
async function outputOf(program: string, signal: AbortSignal): Promise<string> {
  try {
    return (await promisify(execFile)(program, ['--version'], { signal, timeout: VERSION_MS })).stdout;
  } catch {
    return '';
  }
}

function firstLine(file: string): string {
  const bytes = Buffer.alloc(128);
  const descriptor = openSync(file, 'r');
  const size = readSync(descriptor, bytes);
  closeSync(descriptor);
  return bytes.toString('latin1', 0, size).split('\n')[0] ?? '';
}
