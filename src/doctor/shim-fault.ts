/**
 * What may be the matter with a shim that is ours.
 *
 * @module
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { supports } from '../../bin/engines.js';
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import type { ShimPlace } from '../shims/shim-files.ts';
import { type ShimHeader, shimScript } from '../shims/shim-script.ts';
import type { ShimState } from '../shims/shim-states.ts';
import type { Finding } from './finding.ts';
import { manifestOf, versionOf } from './installation.ts';
import type { Patient } from './patient.ts';

/** What is the matter with a shim that is ours; wrong, unless it says otherwise. */
export type Fault = Pick<Finding, 'id' | 'title' | 'cost'> & { readonly level?: 'note' };

/** What keeps a shim from doing its work; undefined when nothing does. */
export async function faultOf(
  { executable }: CalledTool,
  { file }: ShimState,
  { node, entry, interpreter }: ShimHeader,
  { root, signal }: Patient,
): Promise<Fault | undefined> {
  const mode = lstatSync(file).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o500) !== 0o500) {
    return {
      id: 'shim-not-executable',
      title: `${file} cannot be executed: its mode is ${mode.toString(8)}, wanted 755`,
      cost: `A typed ${executable} runs without pyrsia, or not at all`,
    };
  }
  if (interpreter !== '' && !existsSync(interpreter)) {
    return {
      id: 'shim-not-executable',
      title: `${file} cannot be executed: ${interpreter}, which is to run it, is gone`,
      cost: `A typed ${executable} does not run`,
    };
  }
  const gone = [node, entry].find((path) => !existsSync(path));
  const cost = `${executable} runs without pyrsia, and says so each time that it would fetch`;
  if (gone !== undefined)
    return { id: 'shim-broken', title: `The shim for ${executable} needs ${gone}, which is gone`, cost };
  if (entry !== join(root, 'bin', 'shim.js')) {
    return {
      id: 'shim-of-another',
      title: `The shim for ${executable} was made by the pyrsia of ${entry}, this is ${root}`,
      cost: `Each ${executable} ends the agent of this version to start that of the other`,
    };
  }
  const wanted = manifestOf(root)?.node;
  const version = node === process.execPath ? process.versions.node : await versionOf(node, signal);
  if (wanted === undefined || (version !== undefined && supports(wanted, version))) return undefined;
  return {
    id: 'shim-broken',
    title: `The shim for ${executable} runs ${node}, which is ${version === undefined ? 'no Node that would tell its version' : `Node ${version}`}; pyrsia needs ${wanted}`,
    cost,
  };
}

/** Whether this program would write a shim otherwise, if only because it was made for another environment. */
export function differenceOf(
  tool: CalledTool,
  file: string,
  header: ShimHeader,
  { paths, env, platform }: ShimPlace,
): Fault | undefined {
  if (platform === 'win32') return undefined;
  const text = readFileSync(file, 'utf8');
  const options = { ...header, tool, shims: paths.shims, uid: process.getuid?.() ?? 0 };
  if (text === shimScript({ ...options, runtime: paths.runtime, env })) return undefined;

  const marks = ['HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'runtime'].map(
    (name) => [name, `@${name}@`] as const,
  );
  const marked = shimScript({ ...options, runtime: '@runtime@', env: Object.fromEntries(marks) });
  const literal = marked.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const pattern = marks.reduce((all, [, mark]) => all.replaceAll(mark, '[^\\n]*'), literal);
  if (new RegExp(`^${pattern}$`).test(text)) {
    return {
      id: 'shim-for-elsewhere',
      level: 'note',
      title: `The shim for ${tool.executable} was made where HOME or one of XDG_STATE_HOME, XDG_CACHE_HOME and XDG_CONFIG_HOME was another`,
      cost: 'In this shell it takes the slow way: some hundredths of a second for each command that fetches',
    };
  }
  return {
    id: 'shim-outdated',
    title: `${file} was written by another version of pyrsia, or has been changed`,
    cost: 'It may not lead the tool as this version expects, and takes the slow way or none',
  };
}
