/**
 * A network of several computers on this machine: namespaces, joined by a bridge, each with an address of its own. This
 * process has one there, too, at which it can be the internet.
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Command } from './command.ts';

/** One of the computers. */
export interface Host {
  readonly name: string;
  /** Its IPv4 address. */
  readonly address: string;
  /** What runs `command` there. */
  command(command: Command): Command;
  /** Lets it send no more than so many megabits in a second. */
  limit(megabits: number): void;
  /** Takes its cable out. */
  unplug(): void;
}

/** The network. Closing it removes it; what runs there has to be ended before. */
export interface Lan extends Disposable {
  readonly hosts: readonly Host[];
  /** Where this process is. */
  readonly here: Pick<Host, 'address' | 'limit' | 'unplug'>;
}

/** Whether such networks can be made here. */
export function canLan(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return (
    spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'x', 'type', 'bridge'], { stdio: 'ignore' }).status === 0
  );
}

let made = 0;

const ip = (...args: readonly string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Where a device is: in a namespace, or, for none, where this process is. */
const inside = (namespace: string | undefined, ...command: Command): Command =>
  namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];

/** A cable's end. */
function cable(device: string, namespace?: string): Pick<Host, 'limit' | 'unplug'> {
  const run = (...command: Command): void => {
    const [program, ...args] = inside(namespace, ...command);
    execFileSync(program, args, { stdio: 'pipe' });
  };
  return {
    limit: (megabits) =>
      run(
        'tc',
        'qdisc',
        'replace',
        'dev',
        device,
        'root',
        'tbf',
        'rate',
        `${megabits}mbit`,
        'burst',
        '64kb',
        'latency',
        '200ms',
      ),
    unplug: () => run('ip', 'link', 'set', device, 'down'),
  };
}

/** Makes a network of `count` computers, at most 200. */
export function openLan(count: number): Lan {
  const id = `${process.pid % 100_000}x${(made += 1)}`;
  // Several of this machine's networks may be there at the same time.
  const subnet = `10.${100 + (process.pid % 100)}.${((process.pid >> 7) + made * 7) % 250}`;
  const namespaces: string[] = [];
  const namespace = (name: string): string => {
    ip('netns', 'add', name);
    namespaces.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  };
  const own = `pyr${id}u`;
  const close = (): void => {
    spawnSync('ip', ['link', 'del', own]);
    for (const name of namespaces) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    const middle = namespace(`pyr${id}s`);
    ip('-n', middle, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', middle, 'link', 'set', 'br0', 'up');
    const plug = (port: string, ...far: readonly string[]): void => {
      ip('link', 'add', port, 'netns', middle, 'type', 'veth', 'peer', 'name', ...far);
      ip('-n', middle, 'link', 'set', 'dev', port, 'master', 'br0', 'up');
    };
    const hosts = Array.from({ length: count }, (_, i): Host => {
      const name = namespace(`pyr${id}h${i}`);
      const address = `${subnet}.${i + 10}`;
      plug(`port${i}`, 'eth0', 'netns', name);
      ip('-n', name, 'addr', 'add', `${address}/24`, 'brd', '+', 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'route', 'add', 'default', 'via', `${subnet}.1`);
      return { name, address, command: (command) => inside(name, ...command), ...cable('eth0', name) };
    });
    plug('uplink', own);
    ip('addr', 'add', `${subnet}.1/24`, 'brd', '+', 'dev', own);
    ip('link', 'set', own, 'up');
    return { hosts, here: { address: `${subnet}.1`, ...cable(own) }, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}
