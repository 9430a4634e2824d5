import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Link } from '../../src/p2p/lan.ts';
import { quietLinks, setQuiet } from '../../src/p2p/quiet-places.ts';

const at = (address: string, mac?: string): Link => ({
  name: 'wlan0',
  addresses: ['192.168.1.5/24'],
  gateway: { address, ...(mac !== undefined && { mac }) },
});
const home = at('192.168.1.1', '02:00:00:00:00:01');
const cafe = at('192.168.1.1', '02:00:00:00:00:02');
const bridge: Link = { name: 'docker0', addresses: ['172.17.0.1/16'] };

describe('A place where nothing is to be given', () => {
  let state: string;
  const isQuiet = (link: Link): boolean => quietLinks(state)(link);
  beforeEach(() => void (state = mkdtempSync(join(tmpdir(), 'quiet-'))));
  afterEach(() => rmSync(state, { recursive: true }));

  it('is known again by its gateway, and another is not', () => {
    expect(isQuiet(cafe)).toBe(false);
    expect(setQuiet(state, [cafe, bridge], true)).toBe(1);
    expect([isQuiet(cafe), isQuiet(home), isQuiet(bridge)]).toEqual([true, false, false]);
    expect(statSync(join(state, 'peer', 'quiet.json')).mode & 0o777).toBe(0o600);
    // One that the system knows no hardware address of may be it.
    expect(isQuiet(at('192.168.1.1'))).toBe(true);
  });

  it('is forgotten when it is said so, and the others are not', () => {
    for (const each of [cafe, home]) setQuiet(state, [each], true);
    setQuiet(state, [cafe], false);
    expect([isQuiet(cafe), isQuiet(home)]).toEqual([false, true]);
  });

  it('cannot be remembered without a gateway', () => {
    expect(setQuiet(state, [bridge], true)).toBe(0);
    expect(isQuiet(bridge)).toBe(false);
  });

  it('is everywhere where the file cannot be read', () => {
    setQuiet(state, [cafe], true);
    for (const text of ['{', '{}', '[1]', ' '.repeat(2 ** 20 + 1)]) {
      writeFileSync(join(state, 'peer', 'quiet.json'), text);
      expect([isQuiet(home), isQuiet(bridge)]).toEqual([true, true]);
    }
  });
});
