/**
 * Names at our address that are left in a docker daemon: an agent was killed between a pull and the naming.
 *
 * @module
 */
import { json } from 'node:stream/consumers';
import { isLaunchId } from '../shims/launch.ts';
import { type DockerEngine, openEngine } from './docker-engine.ts';

/** Whose names these are. */
export interface SweepParts {
  /** Our address with its port, as names begin with it. */
  readonly host: string;
  /** Whether a launch of this public name is running, whose names come and go by themselves. */
  isRunning(this: void, launch: string): Promise<boolean>;
}

/** Takes them away from each daemon once, by its socket, and without anybody having to wait for it. */
export function openSweeps({
  address,
  isRunning,
  log,
}: Pick<SweepParts, 'isRunning'> & {
  address(this: void): Promise<string>;
  log(this: void, text: string): void;
}): (daemon: string) => void {
  const swept = new Set<string>();
  return (daemon) => {
    if (swept.has(daemon)) return;
    swept.add(daemon);
    address()
      .then(async (host) => sweepNames(openEngine(daemon), { host, isRunning }))
      .catch((error: unknown) => log(`Names may be left in docker at ${daemon}: ${String(error)}`));
  };
}

/** Takes them away. Rejects with the system's error where the daemon cannot be asked. */
export async function sweepNames(engine: DockerEngine, { host, isRunning }: SweepParts): Promise<void> {
  const images: unknown = await json(await engine.ask('GET', '/images/json'));
  const names = Array.isArray(images) ? images.flatMap(namesOf) : [];
  for (const name of names.filter((each) => each.startsWith(`${host}/`))) {
    const [launch = ''] = name.slice(host.length + 1).split('/');
    if (isLaunchId(launch) && !(await isRunning(launch))) await engine.untag('', name);
  }
}

function namesOf(image: unknown): readonly string[] {
  if (typeof image !== 'object' || image === null) return [];
  const members: Readonly<Record<string, unknown>> = { ...image };
  return [members['RepoTags'], members['RepoDigests']].flatMap((names) =>
    Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
  );
}
