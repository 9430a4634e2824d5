/**
 * Debian's docker-registry: as the upstream, and as a pull-through mirror of it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOf } from '../npm-ci/pyrsia.ts';
import type { Spent } from './results.ts';
import { freePort } from '../../test/support/free-port.ts';

const START_TRIES = 300;

/** A docker-registry that runs. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  spent(): Spent;
  /** How many blobs it was asked for so far. */
  blobs(): number;
}

/** Starts one that keeps what it has below `directory`; with `remote`, a mirror of what is at that URL. */
export async function openDockerRegistry(directory: string, remote?: string): Promise<DockerRegistry> {
  const data = join(directory, 'data');
  mkdirSync(data, { recursive: true });
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: data } },
    http: { addr: host, secret: 'for one run' },
    ...(remote === undefined ? {} : { proxy: { remoteurl: remote } }),
  };
  const file = join(directory, 'config.yml');
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML.
  const log = join(directory, 'log');
  const out = openSync(log, 'w');
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', out, out], cwd: directory });
  closeSync(out);
  const ended = once(child, 'exit');
  for (let tries = 0; !(await answers(host)); tries++) {
    if (child.exitCode !== null || tries > START_TRIES) throw new Error('docker-registry does not start');
    await sleep(20);
  }
  return {
    host,
    spent() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return { cpu: cpuOf(child.pid!), peakRss: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024 };
    },
    blobs: () => readFileSync(log, 'utf8').match(/"GET \/v2\/\S+\/blobs\/sha256:/g)?.length ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

async function answers(host: string): Promise<boolean> {
  const response = await fetch(`http://${host}/v2/`).catch(() => {});
  return response?.status === 200;
}
