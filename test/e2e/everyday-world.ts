/**
 * A registry, a home and a user in it who does everything through pyrsia.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import { type Registry, type RegistryOptions, startRegistry } from '../fixtures/registry/registry.ts';
import type { Finished, RunOptions, Running } from '../support/command.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../support/sandbox.ts';

/** How a world is opened. */
export interface WorldOptions extends RegistryOptions, Omit<SandboxOptions, 'registry'> {
  /** Whether the registry counts as public. Default: yes. */
  readonly public?: boolean;
}

/** An open world. */
export interface World extends AsyncDisposable {
  readonly registry: Registry;
  readonly sandbox: Sandbox;
  /** Runs a command through us. */
  through(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** As {@link World.through}, with npm's own cache empty. */
  afresh(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts a command through us that stays, and tells where and as whom it may ask. */
  stay(options?: RunOptions): Promise<Staying>;
  /** What a command of ours prints as JSON; it must succeed. */
  json<T>(args: readonly string[], options?: RunOptions): Promise<T>;
  /** The receipt of the last command. */
  last(): Promise<Receipt>;
  status(): Promise<AgentStatus>;
  /** Checks the cache: ends with code 0 when nothing in it is damaged. */
  verify(): Promise<Finished>;
}

/** A command that runs until it is killed. */
export interface Staying {
  readonly running: Running;
  /** What it found in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where npm would ask; ends in `/`. */
  readonly base: string;
  /** What it would show there. */
  readonly authorization: string;
}

/** Opens a world. */
export async function openWorld({
  public: isPublic = true,
  user,
  npmrc,
  ...offer
}: WorldOptions = {}): Promise<World> {
  const registry = await startRegistry(offer);
  const sandbox = openSandbox({
    registry: registry.url,
    ...(user && { user }),
    npmrc: { 'fetch-retries': 0, ...npmrc },
  });
  if (isPublic)
    expect(await sandbox.pyrsia(['config', 'set', 'npm.public', registry.url])).toMatchObject({ code: 0 });

  const through: World['through'] = (command, options) => sandbox.pyrsia(['exec', '--', ...command], options);
  const json = async <T>(args: readonly string[], options?: RunOptions): Promise<T> => {
    const { code, stdout, stderr } = await sandbox.pyrsia([...args, '--json'], options);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  };
  let stays = 0;

  return {
    registry,
    sandbox,
    through,
    json,
    afresh(command, options) {
      sandbox.freshNpmCache();
      return through(command, options);
    },
    async stay(options) {
      const file = join(sandbox.root, 'tmp', `environment-${(stays += 1)}`);
      const script = `env -0 > ${file}.new && mv ${file}.new ${file} && exec sleep 60`;
      const running = sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'sh', '-c', script]), options);
      while (!existsSync(file)) await sleep(20);
      const env = environmentIn(readFileSync(file, 'utf8'));
      const config = readFileSync(env['npm_config_globalconfig']!, 'utf8');
      const [, token] = /:_authToken=(\S+)/.exec(config)!;
      return { running, env, base: env['npm_config_registry']!, authorization: `Bearer ${token}` };
    },
    last: () => json<Receipt>(['why', 'last']),
    status: () => json<AgentStatus>(['agent', 'status']),
    verify: () => sandbox.pyrsia(['cache', 'verify']),
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

/** Variables as `env -0` prints them. */
export function environmentIn(text: string): Record<string, string> {
  const pairs = text.split('\0').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** What a command said, without what differs from run to run. */
export function comparable(said: string): string {
  return said
    .replaceAll(/^npm error A complete log.*\n/gm, '')
    .replaceAll(/"time": \d+|PONG \d+/g, 'in some time')
    .replaceAll(/npm-\d+/g, 'npm-N');
}
