/**
 * A docker daemon of our own, which keeps everything in one directory and leaves the machine's network alone.
 *
 * @module
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const START_TRIES = 300;

/** A daemon that runs. */
export interface Daemon extends AsyncDisposable {
  /** `DOCKER_HOST` */
  readonly host: string;
  readonly version: string;
}

/** Starts one in an empty directory. */
export async function openDaemon(directory: string): Promise<Daemon> {
  const socket = join(directory, 'docker.sock');
  const [data, exec] = [join(directory, 'data'), join(directory, 'exec')];
  mkdirSync(data);
  const where = ['--data-root', data, '--exec-root', exec, '--pidfile', join(directory, 'pid')];
  const without = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--ip-forward=false'];
  const args = [...where, ...without, '--ip-masq=false', '-H', `unix://${socket}`];
  const child = spawn('dockerd', args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const host = `unix://${socket}`;
  const ask = ['-H', host, 'version', '-f', '{{.Server.Version}}'];
  let version: string | undefined;
  for (let tries = 0; version === undefined; tries++) {
    if (child.exitCode !== null || tries > START_TRIES) throw new Error('dockerd does not start');
    if (tries > 0) await sleep(20);
    if (existsSync(socket)) version = (await run('docker', ask).catch(() => undefined))?.stdout.trim();
  }
  return {
    host,
    version,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
      await run('umount', [join(exec, 'netns', 'default')]).catch(() => {});
    },
  };
}
