/**
 * A network of several computers on this machine: namespaces, joined by a bridge or one behind the other, each with an
 * address of its own. This process has one there, too, at which it can be the internet.
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
  /** Lets it send no more than so many megabits in a second; `Infinity`: as many as it can. */
  limit(megabits: number): void;
  /** Takes its cable out. */
  unplug(): void;
  /** Puts it in again. */
  plug(): void;
}

/** What can be done with one end of a cable. */
type Cable = Pick<Host, 'limit' | 'unplug' | 'plug'>;

/** The network. Closing it removes it; what runs there has to be ended before. */
export interface Lan extends Disposable {
  readonly hosts: readonly Host[];
  /** Where this process is. */
  readonly here: Pick<Host, 'address'> & Cable;
}

/** A network whose computers hang on one bridge. */
export interface BridgedLan extends Lan {
  /** What runs `command` where every packet passes, at the device {@link BRIDGE}. */
  atBridge(command: Command): Command;
}

/** The bridge's device. */
export const BRIDGE = 'br0';

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

/** What lets a device send no more than so many megabits in a second. */
const tbf = (megabits: number): readonly string[] =>
  `tbf rate ${megabits}mbit burst 64kb latency 200ms`.split(' ');

/** The end of a cable that is `device`, in a namespace with a way to what is behind `gateway`. */
function cable(device: string, namespace?: string, gateway?: string): Cable {
  const run = (...command: Command): void => {
    const [program, ...args] = inside(namespace, ...command);
    execFileSync(program, args, { stdio: 'pipe' });
  };
  const plug = (): void => {
    run('ip', 'link', 'set', device, 'up');
    if (gateway !== undefined) run('ip', 'route', 'replace', 'default', 'via', gateway);
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
        ...(megabits === Infinity ? ['pfifo_fast'] : tbf(megabits)),
      ),
    unplug: () => run('ip', 'link', 'set', device, 'down'),
    plug,
  };
}

/** A network that is being made: names and addresses that no other on this machine has. */
interface Site extends Disposable {
  /** This process's device. */
  readonly own: string;
  /** The first three numbers of its addresses. */
  readonly subnet: string;
  /** Makes a namespace. */
  namespace(kind: string): string;
}

function openSite(): Site {
  const id = `${process.pid % 100_000}x${(made += 1)}`;
  const own = `pyr${id}u`;
  const namespaces: string[] = [];
  return {
    own,
    // Several of this machine's networks may be there at the same time.
    subnet: `10.${100 + (process.pid % 100)}.${((process.pid >> 7) + made * 7) % 250}`,
    namespace(kind) {
      const name = `pyr${id}${kind}`;
      ip('netns', 'add', name);
      namespaces.push(name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return name;
    },
    [Symbol.dispose]() {
      spawnSync('ip', ['link', 'del', own]);
      for (const name of namespaces) spawnSync('ip', ['netns', 'del', name]);
    },
  };
}

function hostIn(name: string, address: string, gateway: string): Host {
  return { name, address, command: (command) => inside(name, ...command), ...cable('eth0', name, gateway) };
}

/** Makes a network of `count` computers on one bridge, at most 200. */
export function openLan(count: number): BridgedLan {
  using making = new DisposableStack();
  const { own, subnet, namespace } = making.use(openSite());
  const middle = namespace('s');
  ip('-n', middle, 'link', 'add', BRIDGE, 'type', 'bridge');
  ip('-n', middle, 'link', 'set', BRIDGE, 'up');
  const plug = (port: string, ...far: readonly string[]): void => {
    ip('link', 'add', port, 'netns', middle, 'type', 'veth', 'peer', 'name', ...far);
    ip('-n', middle, 'link', 'set', 'dev', port, 'master', BRIDGE, 'up');
  };
  const hosts = Array.from({ length: count }, (_, i): Host => {
    const name = namespace(`h${i}`);
    const address = `${subnet}.${i + 10}`;
    plug(`port${i}`, 'eth0', 'netns', name);
    ip('-n', name, 'addr', 'add', `${address}/24`, 'brd', '+', 'dev', 'eth0');
    const host = hostIn(name, address, `${subnet}.1`);
    host.plug();
    return host;
  });
  plug('uplink', own);
  ip('addr', 'add', `${subnet}.1/24`, 'brd', '+', 'dev', own);
  ip('link', 'set', own, 'up');
  const all = making.move();
  return {
    hosts,
    here: { address: `${subnet}.1`, ...cable(own) },
    atBridge: (command) => inside(middle, ...command),
    [Symbol.dispose]: () => all.dispose(),
  };
}

/**
 * Makes a network of `count` computers in a line, at most 60: each has a cable to the one before it (`eth0`, the first one's
 * to this process) and to the one behind it (`eth1`), and passes on what is for others. Nobody hears the multicasts of any but
 * these two.
 */
export function openLine(count: number): Lan {
  using making = new DisposableStack();
  const { own, subnet, namespace } = making.use(openSite());
  // Cable `i` ends at computer `i`; four addresses each.
  const cableNet = (i: number): string => `${subnet}.${4 * i}/30`;
  const before = (i: number): string => `${subnet}.${4 * i + 1}`;
  const behind = (i: number): string => `${subnet}.${4 * i + 2}`;
  const names = Array.from({ length: count }, (_, i) => namespace(`h${i}`));
  for (const [i, name] of names.entries()) {
    const left = names[i - 1];
    const at = left === undefined ? [] : ['-n', left];
    const device = left === undefined ? own : 'eth1';
    ip(...at, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip(...at, 'addr', 'add', `${before(i)}/30`, 'brd', '+', 'dev', device);
    ip(...at, 'link', 'set', device, 'up');
    ip('-n', name, 'addr', 'add', `${behind(i)}/30`, 'brd', '+', 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', before(i));
    execFileSync('ip', ['netns', 'exec', name, 'tee', '/proc/sys/net/ipv4/ip_forward'], {
      input: '1',
      stdio: 'pipe',
    });
    for (let further = i + 1; further < count; further++)
      ip(...at, 'route', 'add', cableNet(further), 'via', behind(i));
  }
  const all = making.move();
  return {
    hosts: names.map((name, i) => hostIn(name, behind(i), before(i))),
    here: { address: before(0), ...cable(own) },
    [Symbol.dispose]: () => all.dispose(),
  };
}
