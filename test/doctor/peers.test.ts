import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeersStatus } from '../../src/control/protocol.ts';
import { lookAtSaid, lookForPeers } from '../../src/doctor/peers.ts';
import { sayOfPeer } from '../../src/p2p/said-of-peers.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const peer = '12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w';

const status: PeersStatus = {
  running: true,
  share: 'lan',
  listening: [],
  connected: 0,
  given: 0,
  taken: 0,
};
const seen = async (peers: PeersStatus) =>
  lookForPeers({
    agents: async () => ({
      first: undefined,
      net: undefined,
      ours: {
        kind: 'running',
        directory: '/nowhere',
        hello: { pyrsia: '0.0.0', protocol: 2, pid: 1 },
        status: { running: true, peers },
      },
    }),
  });

describe('Other computers', () => {
  it('that cannot reach us, or be found, are told of as the agent tells it', async () => {
    expect(await seen(status)).toEqual([]);
    expect(await seen({ ...status, deaf: 'port 4001 is taken', lonely: 'no multicast here' })).toMatchObject([
      { id: 'peers-deaf', title: 'Other computers cannot reach this machine: port 4001 is taken' },
      { id: 'peers-unseen', title: 'Neighbours cannot be looked for: no multicast here' },
    ]);
  });
});

describe('What was said of peers', () => {
  let home: Sandbox;
  beforeEach(() => void (home = openSandbox()));
  afterEach(() => home[Symbol.asyncDispose]());

  it('is found where it cannot be read, and is well again when it is gone', () => {
    const state = join(home.env['XDG_STATE_HOME']!, 'pyrsia');
    const look = () => lookAtSaid({ paths: { state, cache: '', config: '', shims: '', runtime: '' } });
    sayOfPeer(state, peer, { banned: true });
    expect(look()).toEqual([]);
    const file = join(state, 'peer', 'said.json');
    writeFileSync(file, '{');
    expect(look()).toMatchObject([
      { id: 'peers-said', level: 'wrong', title: expect.stringContaining(file) },
    ]);
    rmSync(file);
    expect(look()).toEqual([]);
  });
});
