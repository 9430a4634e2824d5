/**
 * The routers of this machine's links, as Linux tells them in `/proc/net/route`, `/proc/net/arp` and `/proc/net/ipv6_route` (proc(5)).
 *
 * @module
 */

/** The router of a link. */
export interface Gateway {
  /** Of IPv4 where it has one there, else of IPv6, as a URL has it. */
  readonly address: string;
  /** Its hardware address, where it has been heard of; of IPv6 the system tells none. */
  readonly mac?: string;
}

/** What the system tells of routers: its tables of routes, and that of neighbours. */
export interface RouteTables {
  readonly routes: string;
  readonly neighbours: string;
  readonly routes6?: string;
}

/** A route that is up, and leads by way of a router (RTF_UP, RTF_GATEWAY of route.h). */
const UP_BY_GATEWAY = 0x3;

/** The gateways of default routes, by the name of the interface. */
export function gatewaysIn({ routes, neighbours, routes6 = '' }: RouteTables): Map<string, Gateway> {
  return new Map([...gateways6In(routes6), ...gateways4In(routes, neighbours)]);
}

function gateways4In(routes: string, neighbours: string): Map<string, Gateway> {
  const macs = new Map(
    neighbours.split('\n').flatMap((line) => {
      const [address, , flags, mac, , name] = line.trim().split(/\s+/);
      // 0x2: the entry is complete.
      return name && (Number(flags) & 2) !== 0 ? [[`${name} ${address}`, mac] as const] : [];
    }),
  );
  const gateways = new Map<string, Gateway>();
  for (const line of routes.split('\n')) {
    const [name, destination, hex = ''] = line.split(/\s+/);
    if (!name || destination !== '00000000' || !/^[0-9A-F]{8}$/i.test(hex) || Number.parseInt(hex, 16) === 0)
      continue;
    // The kernel writes the four bytes as one number of the machine's own order.
    const address = Array.from(Buffer.from(hex, 'hex')).toReversed().join('.');
    const mac = macs.get(`${name} ${address}`);
    if (!gateways.has(name)) gateways.set(name, { address, ...(mac !== undefined && { mac }) });
  }
  return gateways;
}

function gateways6In(routes: string): Map<string, Gateway> {
  const gateways = new Map<string, Gateway>();
  for (const line of routes.split('\n')) {
    const [destination, prefix, , , next = '', , , , flags = '', name] = line.trim().split(/\s+/);
    const isDefault = prefix === '00' && /^0{32}$/.test(destination ?? '');
    const isByGateway = (Number.parseInt(flags, 16) & UP_BY_GATEWAY) === UP_BY_GATEWAY;
    if (!name || !isDefault || !isByGateway || !/^[0-9a-f]{32}$/i.test(next) || /^0+$/.test(next)) continue;
    const groups = next.match(/.{4}/g)?.join(':') ?? '';
    if (!gateways.has(name))
      gateways.set(name, { address: new URL(`http://[${groups}]`).hostname.slice(1, -1) });
  }
  return gateways;
}

/** Whether a gateway is the one that was remembered. Where the hardware address of either is unknown, it may be. */
export function isSameGateway(one: Gateway, other: Gateway): boolean {
  return one.mac !== undefined && other.mac !== undefined
    ? one.mac === other.mac
    : one.address === other.address;
}
