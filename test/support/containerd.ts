/**
 * A containerd of its own for a test.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from './command.ts';

/** A running containerd. */
export interface Containerd extends AsyncDisposable {
  /** Its socket, as `ctr` takes it. */
  readonly address: string;
}

/** Starts one. It has to be root who does. */
export async function startContainerd(): Promise<Containerd> {
  const directory = mkdtempSync(join(tmpdir(), 'containerd-'));
  const at = (name: string) => join(directory, name);
  const config = [
    'version = 2',
    `root = "${at('root')}"`,
    `state = "${at('state')}"`,
    // They would look outside of that directory.
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]',
    `[grpc]\naddress = "${at('socket')}"`,
    `[ttrpc]\naddress = "${at('socket.ttrpc')}"`,
  ];
  writeFileSync(at('config.toml'), config.join('\n'));
  const running = start(['containerd', '--config', at('config.toml')], {
    env: process.env,
    timeoutMs: 600_000,
  });
  const ended = running.result.catch(() => undefined);
  for (let tries = 0; spawnSync('ctr', ['--address', at('socket'), 'version']).status !== 0; tries++) {
    if (tries === 600) throw new Error('containerd did not start');
    await delay(50);
  }
  return {
    address: at('socket'),
    async [Symbol.asyncDispose]() {
      running.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
