/**
 * What is between a client and the registry, and how it comes to be there.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openLine } from '../npm-ci/line.ts';
import { type DockerRegistry, openDockerRegistry } from './docker-registry.ts';
import type { Spent, Way } from './results.ts';
import { ownHome } from '../own-home.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** The slow line. */
export const SLOW = { bits: 100e6, roundTripMs: 40 };

/** An image of this name is in every upstream, so small that it does not count. */
export const TINY = 'tiny:bench';
/** The one that is measured. */
export const IMAGE = 'image:bench';

/** What a client asks. */
export interface Server extends AsyncDisposable {
  /** How the client calls the image there. */
  readonly reference: string;
  /** Undefined where there is nothing between. */
  spent?(): Promise<Spent>;
}

/** Opens what a client asks, in a directory of its own. Those that are new each time are opened for each pull. */
export async function openWay(way: Way, upstream: DockerRegistry, directory: string): Promise<Server> {
  const stack = new AsyncDisposableStack();
  mkdirSync(directory, { recursive: true });
  const isSlow = way.endsWith('-100');
  const host = isSlow
    ? `127.0.0.1:${stack.use(await openLine(Number(upstream.host.split(':')[1]), SLOW)).port}`
    : upstream.host;
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const dispose = { [Symbol.asyncDispose]: async () => stack.disposeAsync() };
  if (way.startsWith('direct')) return { reference: `${host}/${IMAGE}`, ...dispose };
  if (way.startsWith('mirror')) {
    const mirror = stack.use(await openDockerRegistry(join(directory, 'mirror'), `http://${host}`));
    return {
      reference: `${mirror.host}/${IMAGE}`,
      spent: async () => Promise.resolve(mirror.spent()),
      ...dispose,
    };
  }
  const env = ownHome(directory);
  const pyrsia = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [program, ...args], { env })).stdout;
  stack.defer(async () => void (await pyrsia('agent', 'stop')));
  // Starts the agent.
  await pyrsia('pull', '--no-load', `${host}/${TINY}`);
  const { ports } = JSON.parse(await pyrsia('agent', 'status', '--json')) as {
    ports: Record<string, number>;
  };
  return {
    reference: `127.0.0.1:${ports['images']}/${host.replace(':', '__')}/${IMAGE}`,
    async spent() {
      const { pid, peakRss } = JSON.parse(await pyrsia('agent', 'status', '--json'));
      const { cpuOf } = await import('../npm-ci/pyrsia.ts');
      return { cpu: cpuOf(pid), peakRss };
    },
    ...dispose,
  };
}
