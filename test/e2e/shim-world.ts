/**
 * A world whose user has stand-ins on the PATH, and a tool behind them that does what a test tells it.
 *
 * @module
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { ecosystems } from '../../src/ecosystems/index.ts';
import { pathsOf } from '../../src/paths.ts';
import { shimScript } from '../../src/shims/shim-script.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import type { Command, Running } from '../support/command.ts';
import { openTerminal, type Terminal, type TerminalOptions } from '../support/terminal.ts';
import { openWorld, type World, type WorldOptions } from './everyday-world.ts';

const ENTRY = fileURLToPath(new URL('../../bin/shim.js', import.meta.url));

/** Shells that stand-ins are tried with, as far as they are there. In CI all of them have to be. */
const shells = ['bash', 'dash', 'busybox'].filter(
  (name) => process.env['CI'] === 'true' || programPath(name) !== undefined,
);

/** How a tool is reached: as if we were not there; by sh alone; by sh and a Node that takes its place. */
export type Way = 'direct' | 'quick' | 'slow';

/** Every way that leads through us, with every shell. */
export const led = shells.flatMap((shell) =>
  (['quick', 'slow'] as const).map((way): Call & { readonly shell: string } => ({ way, shell })),
);

/** One call of the tool. */
export interface Call {
  readonly way: Way;
  /** Which shell the stand-in is written for. Default: bash. */
  readonly shell?: string;
  /** What the tool does, in sh; once it has fetched. */
  readonly does?: string;
  /** Whether it fetches first. Default: no. */
  readonly fetches?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** An open world with stand-ins. */
export interface ShimWorld extends World {
  envOf(call: Call): Record<string, string>;
  /** The directory in which a call goes its way. */
  cwdOf(call: Call): string;
  /** Runs a command on a terminal of its own; `npm ci` by default. */
  onTerminal(call: Call, command?: Command, options?: TerminalOptions): Terminal;
  /** Starts a command without a terminal; `npm ci` by default. */
  begin(call: Call, command?: Command, input?: string): Running;
  /** How many calls Node has had to decide since it was last asked. */
  slowCalls(): number;
}

const program = (path: string, ...lines: string[]): void =>
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });

/** Opens a world in which `left@1.0.0` is published. With `real`, the tool is the real npm instead of one that obeys. */
export async function openShimWorld({
  real = false,
  ...options
}: WorldOptions & { readonly real?: boolean } = {}): Promise<ShimWorld> {
  const left = makePackage({ name: 'left', version: '1.0.0', size: 20_000 });
  const world = await openWorld({ ...options, packages: [left, ...(options.packages ?? [])] });
  const { root, env } = world.sandbox;
  const at = (...names: string[]): string => join(root, ...names);
  for (const name of ['tools', 'node', 'busybox', 'quick', 'slow', 'direct']) mkdirSync(at(name));

  program(at('tools', 'npm'), `[ -z "$FETCHES" ] || node '${at('fetch.mjs')}' || exit 99`, 'eval "$DOES"');
  program(at('node', 'node'), `echo slow >> '${at('slow.log')}'`, `exec '${process.execPath}' "$@"`);
  writeFileSync(at('slow.log'), '');
  writeFileSync(at('fetch.mjs'), FETCH);
  // A project's own settings are for Node to understand.
  writeFileSync(at('slow', '.npmrc'), '; none\n');
  symlinkSync(programPath('busybox') ?? '/none', at('busybox', 'sh'));

  const stand = (shell: string): string => {
    const shims = at(`shims-${shell}`);
    mkdirSync(shims, { recursive: true });
    const interpreter = shell === 'busybox' ? at('busybox', 'sh') : programPath(shell)!;
    for (const tool of ecosystems.flatMap(({ tools }) => tools)) {
      const text = shimScript({
        tool,
        interpreter,
        node: at('node', 'node'),
        entry: ENTRY,
        shims,
        runtime: pathsOf(env).runtime,
        uid: process.getuid!(),
        env,
      });
      writeFileSync(join(shims, tool.executable), text, { mode: 0o755 });
    }
    return shims;
  };
  const shims = Object.fromEntries(shells.map((shell) => [shell, stand(shell)]));

  const self: ShimWorld = {
    ...world,
    envOf: ({ way, shell = 'bash', does = '', fetches = false, env: more }) => ({
      ...env,
      PATH: [...(way === 'direct' ? [] : [shims[shell]!]), ...(real ? [] : [at('tools')]), env['PATH']].join(
        delimiter,
      ),
      DOES: does,
      FETCHES: fetches ? '1' : '',
      ...more,
    }),
    cwdOf: ({ way }) => at(way),
    onTerminal: (call, command = ['npm', 'ci'], terminal) =>
      openTerminal(command, { cwd: self.cwdOf(call), env: self.envOf(call), ...terminal }),
    begin: (call, command = ['npm', 'ci'], input = '') =>
      world.sandbox.start(command, { cwd: self.cwdOf(call), env: self.envOf(call), input }),
    slowCalls() {
      const calls = readFileSync(at('slow.log'), 'utf8').split('\n').length - 1;
      writeFileSync(at('slow.log'), '');
      return calls;
    },
  };

  // What has been changed within the last second may change again without anybody seeing it.
  const past = Date.now() / 1000 - 10;
  for (const file of [join(world.sandbox.home, '.npmrc'), join(pathsOf(env).config, 'config.json')])
    utimesSync(file, past, past);
  try {
    // The quick way is open once the agent has served a call that went the slow one.
    const first = await self.begin({ way: 'slow', does: 'echo ran' }, ['npm', real ? 'ping' : 'ci']).result;
    expect(first.code, first.stderr).toBe(0);
    const quick = join(pathsOf(env).runtime, 'quick-npm');
    await vi.waitFor(() => expect(existsSync(quick)).toBe(true), { timeout: 30_000 });
    expect(self.slowCalls()).toBe(1);
    return self;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

/** What a tool of ours fetches, in the way that npm does: with the credential from its global configuration. */
const FETCH = `
import { readFileSync } from 'node:fs';
const base = process.env.npm_config_registry;
if (base) {
  const [, token] = /:_authToken=(\\S+)/.exec(readFileSync(process.env.npm_config_globalconfig, 'utf8'));
  for (const path of ['left', 'left/-/left-1.0.0.tgz']) {
    const response = await fetch(base + path, { headers: { authorization: 'Bearer ' + token } });
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(response.status + ' ' + body);
  }
}
`;

/** Where a program is; undefined when it is not on the PATH. */
export function programPath(name: string): string | undefined {
  const folders = process.env['PATH']?.split(delimiter) ?? [];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
