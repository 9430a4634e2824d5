/**
 * Which addresses are private, and on which links this machine gives to others.
 *
 * A link is known again by its gateway, so that a user can say "not here". Linux tells who that is (`gateways.ts`); elsewhere no link
 * has one.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { Share } from './contract.ts';
import { type Gateway, gatewaysIn, type RouteTables } from './gateways.ts';

/** How often links are looked at, in milliseconds. */
const LOOK_MS = 5000;

/** A network interface that leads to others. */
export interface Link {
  /** As the system calls it: `eth0`. */
  readonly name: string;
  /** Its own addresses with the length of their prefix: `192.168.1.5/24`. */
  readonly addresses: readonly string[];
  readonly gateway?: Gateway;
}

/**
 * RFC 1918, loopback, IPv4 link-local (RFC 3927), ULA (RFC 4193), IPv6 link-local (RFC 4291). Not 100.64.0.0/10
 * (RFC 6598): there the other customers of a provider are strangers.
 */
const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  privateNetworks.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  privateNetworks.addSubnet(network, prefix, 'ipv6');

/** Whether an IP address is one that only those near can have. What is no IP address is not. */
export function isPrivate(address: string): boolean {
  return isIn(privateNetworks, address);
}

/** Whether an IP address is this machine's alone. */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(plain(address));
}

/** The links of this machine now. */
export function readLinks(): Link[] {
  return linksIn(networkInterfaces(), {
    routes: textOf('/proc/net/route'),
    neighbours: textOf('/proc/net/arp'),
    routes6: textOf('/proc/net/ipv6_route'),
  });
}

/** Links as the system describes them: its interfaces, and its tables of routes and neighbours. */
export function linksIn(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  tables: RouteTables,
): Link[] {
  const gateways = gatewaysIn(tables);
  return Object.entries(interfaces).flatMap(([name, all = []]) => {
    const addresses = all.flatMap(({ internal, cidr }) => (internal || cidr === null ? [] : [cidr]));
    const gateway = gateways.get(name);
    return addresses.length === 0 ? [] : [{ name, addresses, ...(gateway && { gateway }) }];
  });
}

/** What decides on whom this machine gives to. */
export interface Sharing {
  readonly share: Share;
  readonly links: readonly Link[];
  /** Whether nothing is given on this link: it is metered, or the user said so. */
  readonly isQuiet: (link: Link) => boolean;
}

/**
 * Where to accept connections, as multiaddresses: nowhere, at the private addresses, or everywhere. IPv6 link-local ones
 * are left out: others could not write them down.
 *
 * @param port - 0: any that is free
 */
export function listenAddresses({ share, links, isQuiet }: Sharing, port: number): string[] {
  if (share === 'off') return [];
  if (share === 'public' && !links.some(isQuiet)) return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`];
  return links
    .filter((link) => !isQuiet(link))
    .flatMap(({ addresses }) => addresses.map(plain))
    .filter((address) => (share === 'public' || isPrivate(address)) && !/^fe80:/i.test(address))
    .map((address) => `/${isIPv4(address) ? 'ip4' : 'ip6'}/${address}/tcp/${port}`);
}

/** Whether this machine gives to whoever has this IP address. */
export function givesTo({ share, links, isQuiet }: Sharing, address: string): boolean {
  if (share === 'off' || (share === 'lan' && !isPrivate(address))) return false;
  // What is on no link comes by way of a gateway.
  const link = links.find((each) => isOnLink(each, address)) ?? links.find(({ gateway }) => gateway);
  return link === undefined || !isQuiet(link);
}

/**
 * Calls `changed` when links come and go, until what is returned is called. Keeps no process running. What cannot be
 * read is taken to be as it was.
 */
export function watchLinks(
  read: () => readonly Link[],
  changed: (links: readonly Link[]) => void,
): () => void {
  const readNow = (): readonly Link[] | undefined => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  let last = JSON.stringify(readNow());
  const timer = setInterval(() => {
    const links = readNow();
    if (links === undefined) return;
    const text = JSON.stringify(links);
    if (text === last) return;
    last = text;
    changed(links);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Whether an IP address is one of those on a link. */
export function isOnLink({ addresses }: Link, address: string): boolean {
  const subnets = new BlockList();
  for (const each of addresses) {
    const network = plain(each);
    subnets.addSubnet(network, Number(each.slice(each.indexOf('/') + 1)), isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return isIn(subnets, address);
}

function isIn(list: BlockList, address: string): boolean {
  const text = plain(address);
  if (isIPv4(text)) return list.check(text, 'ipv4');
  return isIPv6(text) && list.check(text, 'ipv6');
}

/** Without prefix and zone; an IPv4 address that is written as an IPv6 one is an IPv4 address. */
function plain(address: string): string {
  return address.replace(/[%/].*$/s, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
