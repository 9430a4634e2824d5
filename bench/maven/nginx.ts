/**
 * nginx as a caching proxy of a repository, in a process of its own: what a proxy can gain that keeps what it has
 * seen, and neither verifies nor tells of it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOf } from '../npm-ci/pyrsia.ts';
import type { Sample } from './results.ts';
import { freePort } from '../../test/support/free-port.ts';

const START_TRIES = 100;

/** A running nginx; `url` ends in `/`. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
  /** What it has taken so far, with its workers. */
  spent(): NonNullable<Sample['server']>;
}

/** Starts one in `directory` for `upstream`, which ends in `/`. */
export async function openNginx(upstream: string, directory: string): Promise<Nginx> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const port = await freePort();
  const { origin, pathname, host } = new URL(upstream);
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; pid ${directory}/pid; error_log ${directory}/error.log; worker_processes 2;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/temp; keepalive_requests 100000;
  fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  proxy_cache_path ${directory}/kept levels=1:2 keys_zone=kept:32m max_size=10g inactive=1d use_temp_path=off;
  upstream repository { server ${host.includes(':') ? host : `${host}:${origin.startsWith('https') ? 443 : 80}`}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${origin.split(':')[0]}://repository${pathname};
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host ${host};
      proxy_ssl_server_name on; proxy_ssl_name ${host};
      proxy_cache kept; proxy_cache_lock on; proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
      proxy_cache_valid 200 1d; proxy_cache_valid 404 1d;
    }
  }
}
`,
  );
  const child = spawn('nginx', ['-c', file, '-p', directory], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  child.once('error', () => {});
  const url = `http://127.0.0.1:${port}/`;
  for (let tries = 0; !(await answers(url)); tries++) {
    if (child.exitCode !== null || child.pid === undefined || tries > START_TRIES)
      throw new Error('nginx does not start');
    await sleep(50);
  }
  const pids = (): number[] => [child.pid!, ...childrenOf(child.pid!)];
  return {
    url,
    spent: () => ({
      cpu: pids().reduce((sum, pid) => sum + cpuOf(pid), 0),
      peakRss: pids().reduce((sum, pid) => sum + peakOf(pid), 0),
    }),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { method: 'HEAD' }).then(
    () => true,
    () => false,
  );
}
