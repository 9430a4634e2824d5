/**
 * Where the members of a network to try live: each in a network namespace of its own, all on one bridge, which stands in a
 * namespace, too, so that no rule of this machine's firewall is asked and all is gone with the namespaces. Who may not make
 * namespaces gets addresses of the loopback device.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { isRunning } from '../../test/support/processes.ts';

/** The ground that a network stands on. Disposing of it ends whatever still runs in its namespaces. */
export interface Ground extends Disposable {
  /** What it is, in words. */
  readonly told: string;
  /** The address at which members find what this machine gives them. */
  readonly machine: string;
  /** Makes room for one more member. */
  place(name: string): Place;
}

/** Where one member lives. */
export interface Place {
  readonly address: string;
  /** The namespace's name; undefined on the loopback device. */
  readonly namespace?: string;
  /** `command`, to be run there. */
  inside(command: readonly string[]): string[];
}

/** Makes a ground, of namespaces where that is allowed. */
export function openGround(): Ground {
  const base = `pyrsia-${process.pid}`;
  sweep();
  const problem = refusal(`${base}-try`);
  return problem === undefined ? namespaces(base) : loopback(problem);
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Why there can be no namespaces; undefined where there can. */
function refusal(name: string): string | undefined {
  try {
    ip('netns', 'add', name);
    try {
      ip('netns', 'exec', name, 'ip', 'link', 'set', 'lo', 'up');
      return undefined;
    } finally {
      ip('netns', 'delete', name);
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function namespaces(base: string): Ground {
  // Kept for benchmarks of network devices (RFC 2544): it is nobody's.
  const subnet = `198.18.${process.pid % 256}`;
  const made: string[] = [];
  const add = (name: string): string => {
    const namespace = `${base}-${name}`;
    ip('netns', 'add', namespace);
    made.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  };
  const close = (): void => {
    for (const namespace of made.toReversed()) remove(namespace);
  };
  /** A cable from `plug` in `namespace`, or on this machine, to the bridge. */
  const cable = (plug: string, address: string, namespace?: string): void => {
    const end = `${plug}-`;
    ip('-n', wire, 'link', 'add', end, 'type', 'veth', 'peer', 'name', plug, 'netns', namespace ?? '1');
    ip('-n', wire, 'link', 'set', end, 'master', 'bridge', 'up');
    const there = namespace === undefined ? [] : ['-n', namespace];
    ip(...there, 'address', 'add', `${address}/24`, 'dev', plug);
    ip(...there, 'link', 'set', plug, 'up');
  };
  let wire = '';
  try {
    wire = add('wire');
    ip('-n', wire, 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', wire, 'link', 'set', 'bridge', 'up');
    cable(`pyr${process.pid}`, `${subnet}.1`);
  } catch (error) {
    close();
    throw error;
  }
  return {
    told: `a network namespace each, on a bridge of their own (${subnet}.0/24)`,
    machine: `${subnet}.1`,
    place(name) {
      const namespace = add(name);
      const address = `${subnet}.${9 + made.length}`;
      cable(`p${made.length}`, address, namespace);
      return {
        address,
        namespace,
        inside: (command) => ['ip', 'netns', 'exec', namespace, ...command],
      };
    },
    [Symbol.dispose]: close,
  };
}

/** Ends what runs in a namespace, and removes it with its cable. */
function remove(namespace: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  spawnSync('ip', ['netns', 'delete', namespace]);
}

/** Removes what networks have left that were killed. */
function sweep(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [namespace, pid] of (stdout ?? '').matchAll(/^pyrsia-(\d+)-\w+/gm))
    if (!isRunning(Number(pid))) remove(namespace);
}

function loopback(problem: string): Ground {
  let count = 0;
  return {
    told: `addresses of the loopback device, since this user can make no network namespaces (${problem})`,
    machine: '127.0.0.1',
    place: () => ({ address: `127.0.0.${10 + (count += 1)}`, inside: (command) => [...command] }),
    [Symbol.dispose]: () => undefined,
  };
}
