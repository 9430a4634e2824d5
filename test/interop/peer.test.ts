import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { peerIdFromString } from '@libp2p/peer-id';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { sha256 } from 'multiformats/hashes/sha2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hexOf } from '../../src/content/digest.ts';
import { type Host, openHost } from '../../src/p2p/host/host.ts';
import { has } from '../support/image-registry.ts';
import { type Giver, giver, someone } from '../support/peer-hosts.ts';

/** Of Go: an older one fetches its successor, or cannot. */
const isRecent = has('go') && /go1\.(2[3-9]|[3-9]\d)/.test(String(spawnSync('go', ['version']).stdout));

describe.skipIf(!isRecent)('A peer made of go-libp2p', () => {
  const folder = mkdtempSync(join(tmpdir(), 'interop-peer-'));
  const program = join(folder, 'peer');
  const running: ChildProcess[] = [];
  let one: Giver;
  let other: Host;
  /** Has the other tell the first that it provides this, and who does, as that says. */
  const provided = async (bytes: Uint8Array): Promise<string[]> => {
    const key = CID.createV1(raw.code, await sha256.digest(bytes));
    for await (const _ of other.libp2p.services.dht.provide(key));
    const events = await Array.fromAsync(one.host.libp2p.services.dht.findProviders(key));
    return events.flatMap((each) =>
      each.name === 'PROVIDER' ? each.providers.map(({ id }) => String(id)) : [],
    );
  };

  beforeAll(async () => {
    const source = join(import.meta.dirname, 'peer');
    const built = spawnSync('go', ['build', '-o', program, '.'], { cwd: source, encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0 });
    one = await giver({}, { resident: true });
    other = await openHost({ identity: someone(), listen: ['/ip4/127.0.0.1/tcp/0'] });
    await other.dial(one.host.name, one.host.addresses(), { deadlineMs: 20_000 });
  }, 400_000);
  afterAll(async () => {
    for (const each of running) each.kill('SIGKILL');
    await other?.[Symbol.asyncDispose]();
    await one?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it.each(['tls', 'noise'])(
    'connects by %s, knows us, finds who has content, and gets it',
    async (security) => {
      const bytes = randomBytes(3_000_000);
      const digest = await one.offer(bytes);
      await vi.waitFor(async () => expect(await provided(bytes)).toContain(other.name), 20_000);
      const address = one.host.addresses()[0]!.split('/');
      const asked = spawn(program, [
        'ask',
        security,
        `${address[2]}:${address[4]}`,
        one.host.name,
        hexOf(digest),
        String(bytes.length),
      ]);
      running.push(asked);
      const [out, err, [status]] = await Promise.all([
        asked.stdout.setEncoding('utf8').toArray(),
        asked.stderr.setEncoding('utf8').toArray(),
        once(asked, 'exit'),
      ]);
      expect([status, err.join('')]).toEqual([0, '']);
      expect(JSON.parse(out.join(''))).toEqual({
        peer: one.host.name,
        muxer: '/yamux/1.0.0',
        agent: 'pyrsia',
        protocols: expect.arrayContaining(['/pyrsia/kad/1.0.0', '/pyrsia/blob/1.0.0', '/pyrsia/have/1']),
        providers: [other.name],
        sha256: hexOf(digest),
      });
    },
  );

  it.each(['tls', 'noise'])('is connected to by %s, and answers', async (security) => {
    const answering = spawn(program, ['answer', security]);
    running.push(answering);
    const [line] = await once(createInterface(answering.stdout), 'line');
    const { address, peer } = JSON.parse(String(line)) as { address: string; peer: string };
    const connection = await one.host.dial(peer, [address], { deadlineMs: 20_000 });
    expect(connection).toMatchObject({ encryption: security === 'tls' ? '/tls/1.0.0' : '/noise' });
    const ping = one.host.libp2p.services.ping.ping(peerIdFromString(peer));
    await expect(ping).resolves.toBeGreaterThanOrEqual(0);
    const ended = once(answering, 'exit');
    await connection!.close();
    expect(await ended).toEqual([0, null]);
  });
});
