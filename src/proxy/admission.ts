/**
 * Who may ask: a launch of this user's, and nobody else's. The credential is the launch's random id;
 * the socket's owner, `Host` and `Origin` are checked besides, so neither another local user nor a web
 * page gets in with a stolen or guessed address.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Why a request is turned away; undefined when it may pass. */
export type Refusal = { readonly status: 401 | 403 | 421; readonly reason: string } | undefined;

/**
 * Checks what a web page cannot forge away: `Host` must be our own address (no DNS rebinding), and
 * nothing that only browsers send may be there (`Origin`, `Sec-Fetch-*`).
 */
export function checkHeaders(request: Pick<IncomingMessage, 'headers'>, address: string): Refusal {
  const { host } = request.headers;
  if (host !== address) return { status: 421, reason: `Host is "${host ?? ''}", not ${address}` };
  const browser = ['origin', 'sec-fetch-site', 'sec-fetch-mode'].find(
    (name) => request.headers[name] !== undefined,
  );
  return browser ? { status: 403, reason: `requests from web pages are refused (${browser})` } : undefined;
}

/** The launch id that a request shows as its bearer token. */
export function credentialOf(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  return /^Bearer ([0-9a-f-]{36})$/.exec(request.headers.authorization ?? '')?.[1];
}

const owners = new WeakMap<Socket, Promise<number | undefined>>();

/**
 * The user id at the other end of a loopback connection, asked of the kernel once a connection; undefined
 * where the kernel does not say (no /proc, or the other end is closed already).
 *
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 */
export async function ownerOf(socket: Socket): Promise<number | undefined> {
  let owner = owners.get(socket);
  if (!owner) owners.set(socket, (owner = lookUp(socket)));
  return owner;
}

async function lookUp(socket: Socket): Promise<number | undefined> {
  const theirs = `${kernelAddress(socket.remoteAddress)}:${kernelPort(socket.remotePort)}`;
  const ours = `${kernelAddress(socket.localAddress)}:${kernelPort(socket.localPort)}`;
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '');
  const at = table.indexOf(` ${theirs} ${ours} `);
  if (at < 0) return undefined;
  // st tx:rx tr:tm retrnsmt uid
  return Number(
    table
      .slice(at + theirs.length + ours.length + 3)
      .trimStart()
      .split(/\s+/, 5)[4],
  );
}

/** An IPv4 address as the kernel prints it: hex, in the byte order of the machine. */
function kernelAddress(address = ''): string {
  const bytes = address
    .replace(/^::ffff:/, '')
    .split('.')
    .toReversed();
  return bytes
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

function kernelPort(port = 0): string {
  return port.toString(16).padStart(4, '0').toUpperCase();
}
