/**
 * The npms that are measured: the machine's own, and npm 12 on Node 24.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { nodeDirectory } from '../../test/support/nodes.ts';

const run = promisify(execFile);

export const npms = ['own', '12'] as const;
export type Npm = (typeof npms)[number];

/** The version of npm 12 that is measured, and the Node that it runs on. */
const LATER = { npm: '12.2.0', node: 24 };

/** An npm that is there. */
export interface Toolchain {
  /** The PATH on which it comes first. */
  readonly path: string;
  readonly npm: string;
  readonly node: string;
}

/** The PATH as the user has it, without what npm scripts put first. */
const ownPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .join(delimiter);

/** Finds or installs an npm; `dir` is for what is installed. */
export async function toolchain(npm: Npm, dir: string): Promise<Toolchain> {
  const path =
    npm === 'own'
      ? ownPath
      : [await installed(dir, { npm: LATER.npm }), nodeDirectory(LATER.node), ownPath].join(delimiter);
  const env = { ...process.env, PATH: path };
  const { stdout } = await run('bash', ['-c', 'npm --version && node --version'], { env, cwd: '/' });
  const [npmVersion = '', node = ''] = stdout.trim().split('\n');
  return { path, npm: npmVersion, node: node.slice(1) };
}

/**
 * Installs a package from the registry that npm is configured with, and returns the folder of its programs. `overrides`
 * are for what it asks for by a tag that not every registry has.
 */
export async function installed(
  dir: string,
  spec: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<string> {
  const prefix = mkdtempSync(join(dir, 'installed-'));
  writeFileSync(
    join(prefix, 'package.json'),
    JSON.stringify({ private: true, dependencies: spec, overrides }),
  );
  const quiet = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...quiet], { env: { ...process.env, PATH: ownPath }, cwd: prefix });
  return join(prefix, 'node_modules', '.bin');
}
