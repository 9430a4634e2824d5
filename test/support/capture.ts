/**
 * What passes over a wire, recorded by tcpdump and told by whom it is sent to whom.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from './command.ts';

/** Whether there is what records. */
export function canCapture(): boolean {
  return spawnSync('tcpdump', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** All that went one way between two ports. */
export interface Flow {
  /** IPv4 addresses; empty for anything but TCP and UDP over IPv4. */
  readonly from: string;
  readonly to: string;
  readonly toPort: number;
  /** In the order in which it passed, headers of IPv4, TCP and UDP left out; what is neither, with all its headers. */
  readonly bytes: Buffer;
}

/** A recording that runs. */
export interface Capture extends Disposable {
  /** Ends it: all that has passed. */
  flows(): Promise<readonly Flow[]>;
}

/** How long nothing has been written when all is taken to be, in milliseconds. */
const QUIET_MS = 1000;

/** Records into `file` what passes at a device; `at` runs a command where that is. Resolves when it has begun. */
export async function startCapture(
  at: (command: Command) => Command,
  device: string,
  file: string,
): Promise<Capture> {
  // Root's files are left root's (-Z); each packet is written when it comes (-U), and whole (-s); up to 64 MiB wait for that (-B).
  const recording = [
    'tcpdump',
    '-i',
    device,
    '-Z',
    'root',
    '-U',
    '-s',
    '0',
    '-B',
    '65536',
    '-w',
    file,
  ] as const;
  const [program, ...args] = at(recording);
  const running = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [line] = (await once(createInterface({ input: running.stderr }), 'line')) as [string];
  if (!line.includes('listening on')) {
    running.kill('SIGKILL');
    throw new Error(`tcpdump: ${line}`);
  }
  return {
    async flows() {
      // What it has not taken yet when it ends is lost.
      let [size, last] = [-1, statSync(file).size];
      for (; size !== last; [size, last] = [last, statSync(file).size]) await sleep(QUIET_MS);
      running.kill('SIGINT');
      await once(running, 'exit');
      return flowsIn(readFileSync(file));
    },
    [Symbol.dispose]: () => void running.kill('SIGKILL'),
  };
}

const GLOBAL_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;
const [IPV4, TCP, UDP] = [0x0800, 6, 17];

/** The flows of a file as libpcap writes it on a machine with the least byte first (pcap-savefile(5)). */
function flowsIn(file: Buffer): Flow[] {
  if (file.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('This is no recording of packets');
  const packets: (Flow & { readonly fromPort: number })[] = [];
  for (let at = GLOBAL_HEADER; at + RECORD_HEADER <= file.byteLength;) {
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    packets.push(packetIn(frame));
    at += RECORD_HEADER + length;
  }
  const ways = Map.groupBy(packets, ({ from, fromPort, to, toPort }) =>
    [from, fromPort, to, toPort].join(' '),
  );
  return [...ways.values()].map((each) => ({
    ...each[0]!,
    bytes: Buffer.concat(each.map(({ bytes }) => bytes)),
  }));
}

function packetIn(frame: Buffer): Flow & { readonly fromPort: number } {
  const unknown = { from: '', fromPort: 0, to: '', toPort: 0, bytes: frame };
  if (frame.byteLength < ETHERNET_HEADER + 20 || frame.readUInt16BE(12) !== IPV4) return unknown;
  const packet = frame.subarray(ETHERNET_HEADER);
  // Ethernet fills up what is short.
  const segment = packet.subarray((packet[0]! & 15) * 4, packet.readUInt16BE(2));
  const protocol = packet[9];
  if (protocol !== TCP && protocol !== UDP) return unknown;
  const header = protocol === TCP ? (segment[12]! >> 4) * 4 : 8;
  return {
    from: packet.subarray(12, 16).join('.'),
    to: packet.subarray(16, 20).join('.'),
    fromPort: segment.readUInt16BE(0),
    toPort: segment.readUInt16BE(2),
    bytes: segment.subarray(header),
  };
}
