import { describe, expect, it, vi } from 'vitest';
import type { Share } from '../../src/p2p/contract.ts';
import {
  givesTo,
  isPrivate,
  type Link,
  linksIn,
  listenAddresses,
  readLinks,
  watchLinks,
  type Sharing,
} from '../../src/p2p/lan.ts';
import { isSameGateway } from '../../src/p2p/gateways.ts';

const home: Link = {
  name: 'wlan0',
  addresses: ['192.168.1.5/24', '2001:db8:1::5/64', 'fd00:1::5/64', 'fe80::5/64'],
  gateway: { address: '192.168.1.1', mac: '02:00:00:00:00:01' },
};
const bridge: Link = { name: 'docker0', addresses: ['172.17.0.1/16'] };
const links = [home, bridge];
const fails = (): never => {
  throw new Error('ENOBUFS');
};
const nothingIsQuiet: Sharing['isQuiet'] = () => false;
const wlanIsQuiet = ({ name }: Link): boolean => name === 'wlan0';

const listens = (share: Share, isQuiet = nothingIsQuiet): string[] =>
  listenAddresses({ share, links, isQuiet }, 4711);

const gives = (share: Share, address: string, isQuiet = nothingIsQuiet): boolean =>
  givesTo({ share, links, isQuiet }, address);

/** An address as the system describes it. */
const described = (cidr: string, internal = false) => ({
  address: cidr.split('/')[0]!,
  netmask: '',
  mac: '00:00:00:00:00:00',
  internal,
  cidr,
  family: 'IPv4' as const,
});

describe('a private address', () => {
  it.each([
    '10.1.2.3',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '::1',
    'fc00::1',
    'fdff::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
  ])('is %s', (address) => expect(isPrivate(address)).toBe(true));

  it.each([
    '9.255.255.255',
    '11.0.0.0',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.64.0.1',
    '203.0.113.1',
    '2001:db8::1',
    '::ffff:203.0.113.1',
    '10.0.0.1.example',
    'localhost',
    '',
  ])('is not %s', (address) => expect(isPrivate(address)).toBe(false));
});

describe('where connections are accepted', () => {
  it('is nowhere when nothing is shared', () => expect(listens('off')).toEqual([]));

  it('is at private addresses on the LAN', () => {
    expect(listens('lan')).toEqual([
      '/ip4/192.168.1.5/tcp/4711',
      '/ip6/fd00:1::5/tcp/4711',
      '/ip4/172.17.0.1/tcp/4711',
    ]);
  });

  it('is everywhere in public', () => {
    expect(listens('public')).toEqual(['/ip4/0.0.0.0/tcp/4711', '/ip6/::/tcp/4711']);
  });

  it('is not on a link where nothing is given, in public neither', () => {
    expect(listens('lan', wlanIsQuiet)).toEqual(['/ip4/172.17.0.1/tcp/4711']);
    expect(listens('public', wlanIsQuiet)).toEqual(['/ip4/172.17.0.1/tcp/4711']);
  });
});

describe('whom is given to', () => {
  it('is nobody, whoever is near, or everybody', () => {
    const [near, stranger] = ['192.168.1.77', '203.0.113.9'];
    expect([gives('off', near), gives('off', stranger)]).toEqual([false, false]);
    expect([gives('lan', near), gives('lan', stranger)]).toEqual([true, false]);
    expect([gives('public', near), gives('public', stranger)]).toEqual([true, true]);
  });

  it('is nobody on a quiet link, nor behind its gateway', () => {
    expect(gives('lan', '192.168.1.77', wlanIsQuiet)).toBe(false);
    expect(gives('lan', '10.9.9.9', wlanIsQuiet)).toBe(false);
    expect(gives('public', '203.0.113.9', wlanIsQuiet)).toBe(false);
    expect(gives('lan', '172.17.0.2', wlanIsQuiet)).toBe(true);
  });

  it('knows a neighbour by an IPv4 address that is written as an IPv6 one', () => {
    expect(gives('lan', '::ffff:172.17.0.2', wlanIsQuiet)).toBe(true);
    expect(gives('lan', '::ffff:192.168.1.77', wlanIsQuiet)).toBe(false);
  });
});

describe('the links of a machine', () => {
  const routes = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0',
    '',
  ].join('\n');
  const neighbours = [
    'IP address       HW type     Flags       HW address            Mask     Device',
    '192.168.1.1      0x1         0x2         02:fc:00:00:00:05     *        eth0',
    '192.168.1.9      0x1         0x0         00:00:00:00:00:00     *        eth0',
    '',
  ].join('\n');
  const interfaces = {
    lo: [described('127.0.0.1/8', true)],
    eth0: [described('192.168.1.5/24')],
    tun0: [described('10.8.0.2/24')],
  };

  it('have the gateway that Linux tells', () => {
    expect(linksIn(interfaces, { routes, neighbours })).toEqual([
      {
        name: 'eth0',
        addresses: ['192.168.1.5/24'],
        gateway: { address: '192.168.1.1', mac: '02:fc:00:00:00:05' },
      },
      { name: 'tun0', addresses: ['10.8.0.2/24'] },
    ]);
  });

  it('have a gateway without a hardware address while nobody has heard of it, and none where nobody tells', () => {
    expect(linksIn(interfaces, { routes, neighbours: '' })[0]?.gateway).toEqual({ address: '192.168.1.1' });
    expect(linksIn(interfaces, { routes: '', neighbours: '' })[0]).not.toHaveProperty('gateway');
    expect(
      linksIn(interfaces, { routes: 'eth0 00000000 zzzzzzzz\neth0 00000000', neighbours: 'eth0' })[0],
    ).not.toHaveProperty('gateway');
  });

  it('have a gateway of IPv6 where there is none of IPv4', () => {
    const none = '0'.repeat(32);
    const router = 'fe80000000000000021122fffe334455';
    const row = (to: string, prefix: string, next: string, flags: string, name: string) =>
      `${to} ${prefix} ${none} 00 ${next} 00000400 00000001 00000000 ${flags} ${name}`;
    const routes6 = [
      row('20010db8000100000000000000000000', '40', none, '00000001', 'eth0'),
      row(none, '00', none, '00200200', 'lo'),
      row('20010db8000200000000000000000000', '40', router, '00000003', 'eth0'),
      row(none, '00', router.replace('5', '6'), '00000002', 'eth0'),
      row(none, '00', router, '00450003', 'eth0'),
      row(none, '00', 'x', '00450003', 'tun0'),
    ].join('\n');
    const tables = { routes: '', neighbours: '', routes6 };
    const all = linksIn(interfaces, tables);
    expect(all.map(({ gateway }) => gateway)).toEqual([{ address: 'fe80::211:22ff:fe33:4455' }, undefined]);
    expect(linksIn(interfaces, { ...tables, routes, neighbours })[0]?.gateway?.address).toBe('192.168.1.1');
  });

  it('can be read here', () => {
    for (const link of readLinks()) expect(link.addresses.length).toBeGreaterThan(0);
  });

  it('are looked at again where they could not be read', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const reads: (() => Link[])[] = [() => [], fails, () => [], fails, () => [link]];
    const seen: (readonly Link[])[] = [];
    const link: Link = { name: 'eth0', addresses: ['192.168.1.5/24'] };
    const unwatch = watchLinks(
      () => reads.shift()!(),
      (read) => seen.push(read),
    );
    vi.advanceTimersByTime(20_000);
    unwatch();
    vi.useRealTimers();
    expect(seen).toEqual([[link]]);
  });

  it('are known again by the hardware address, else by the address', () => {
    const one = { address: '192.168.1.1', mac: 'a' };
    expect(isSameGateway(one, { address: '192.168.1.254', mac: 'a' })).toBe(true);
    expect(isSameGateway(one, { address: '192.168.1.1', mac: 'b' })).toBe(false);
    expect(isSameGateway(one, { address: '192.168.1.1' })).toBe(true);
    expect(isSameGateway({ address: '192.168.1.1' }, { address: '192.168.2.1' })).toBe(false);
  });
});
