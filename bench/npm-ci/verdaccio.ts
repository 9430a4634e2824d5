/**
 * Verdaccio, as it is without any settings but where its upstream is, in a process of its own.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installed } from './npms.ts';
import { cpuOf } from './pyrsia.ts';
import type { Sample } from './results.ts';
import { freePort } from '../../test/support/free-port.ts';

const VERDACCIO = { verdaccio: '6.10.4' };
/** It asks for `node-fetch@cjs`; mirrors of registries may have no tag but `latest`. */
const OVERRIDES = { 'node-fetch': '2.7.0' };

const START_TRIES = 300;

/** A verdaccio that runs. */
export interface Verdaccio extends AsyncDisposable {
  readonly url: string;
  /** What it has taken so far. */
  spent(): NonNullable<Sample['server']>;
}

/** Installs and starts one in `dir` for `upstream`. Rejects where it cannot be had. */
export async function openVerdaccio(
  upstream: string,
  cafile: string | undefined,
  dir: string,
): Promise<Verdaccio> {
  mkdirSync(dir, { recursive: true });
  const programs = await installed(dir, VERDACCIO, OVERRIDES);
  const config = {
    storage: join(dir, 'storage'),
    auth: { htpasswd: { file: join(dir, 'htpasswd') } },
    uplinks: { upstream: { url: upstream } },
    packages: { '**': { access: '$all', proxy: 'upstream' } },
    log: { type: 'stdout', format: 'json', level: 'fatal' },
  };
  // JSON is YAML.
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify(config));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const child = spawn(
    process.execPath,
    [join(programs, 'verdaccio'), '--config', join(dir, 'config.yaml'), '--listen', `127.0.0.1:${port}`],
    {
      cwd: dir,
      stdio: 'ignore',
      env: { ...process.env, HOME: dir, ...(cafile !== undefined && { NODE_EXTRA_CA_CERTS: cafile }) },
    },
  );
  const ended = once(child, 'exit');
  for (let tries = 0; !(await answers(url)); tries++) {
    if (child.exitCode !== null || tries > START_TRIES) throw new Error('verdaccio does not start');
    await sleep(100);
  }
  return {
    url,
    spent() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return { cpu: cpuOf(child.pid!), peakRss: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024 };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(`${url}-/ping`).catch(() => {});
  return response !== undefined && response.status < 500;
}
