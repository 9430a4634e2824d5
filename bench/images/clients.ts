/**
 * Those who pull: each in a place of its own, empty every time.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDaemon } from './daemon.ts';
import type { ClientName } from './results.ts';

const run = promisify(execFile);

/** Someone who pulls. */
export interface Client extends AsyncDisposable {
  readonly version: string;
  /** Pulls `HOST:PORT/NAME:TAG`; resolves to the seconds that it took. */
  pull(reference: string): Promise<number>;
  /** Forgets what was pulled. */
  clean(reference: string): Promise<void>;
}

async function timed(command: string, args: readonly string[], env = process.env): Promise<number> {
  const begun = performance.now();
  await run(command, args, { env });
  return (performance.now() - begun) / 1000;
}

/** How each is opened, with a directory of its own. */
export const open: Readonly<Record<ClientName, (directory: string) => Promise<Client>>> = {
  async skopeo(directory) {
    const copy = join(directory, 'copy');
    return {
      version: (await run('skopeo', ['--version'])).stdout.trim(),
      pull: async (reference) =>
        timed('skopeo', [
          '--insecure-policy',
          'copy',
          '-q',
          '--src-tls-verify=false',
          `docker://${reference}`,
          `dir:${copy}`,
        ]),
      async clean() {
        rmSync(copy, { recursive: true, force: true });
        await Promise.resolve();
      },
      async [Symbol.asyncDispose]() {
        rmSync(copy, { recursive: true, force: true });
        await Promise.resolve();
      },
    };
  },

  async podman(directory) {
    const [graph, runroot] = [join(directory, 'graph'), join(directory, 'run')];
    const conf = join(directory, 'storage.conf');
    writeFileSync(conf, `[storage]\ndriver = "overlay"\ngraphroot = "${graph}"\nrunroot = "${runroot}"\n`);
    const env = { ...process.env, CONTAINERS_STORAGE_CONF: conf };
    const podman = async (...args: string[]) => run('podman', args, { env });
    return {
      version: (await podman('--version')).stdout.trim(),
      pull: async (reference) => timed('podman', ['pull', '-q', '--tls-verify=false', reference], env),
      clean: async (reference) => void (await podman('rmi', '-f', reference)),
      async [Symbol.asyncDispose]() {
        await run('umount', ['-l', join(graph, 'overlay')]).catch(() => {});
      },
    };
  },

  async dockerd(directory) {
    const daemon = await openDaemon(directory);
    const docker = ['-H', daemon.host];
    return {
      version: `dockerd ${daemon.version}`,
      pull: async (reference) => timed('docker', [...docker, 'pull', '-q', reference]),
      clean: async (reference) => void (await run('docker', [...docker, 'rmi', '-f', reference])),
      [Symbol.asyncDispose]: daemon[Symbol.asyncDispose],
    };
  },
};
