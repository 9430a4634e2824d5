import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, openHost } from '../../src/p2p/host/host.ts';
import { openIdentity } from '../../src/p2p/identity.ts';
import { formatJoinToken, parseJoinToken } from '../../src/p2p/members/join-token.ts';
import { memberFiles } from '../../src/p2p/members/member-files.ts';
import { type Members, openMembers } from '../../src/p2p/members/members.ts';
import { readNetwork } from '../../src/trust/network-of.ts';
import { signer, vkey } from '../log/signers.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const day = 86_400_000;
/** The creator of the network, and somebody who joins it. */
let [creator, joiner]: Sandbox[] = [];
let host: Host;
let members: Members;
const stateOf = (home: Sandbox): string => join(home.env['XDG_STATE_HOME']!, 'pyrsia');
const run = (home: Sandbox, ...args: readonly string[]) => home.pyrsia(args, { cwd: home.home });
const json = async <T = Record<string, unknown>>(home: Sandbox, ...args: readonly string[]): Promise<T> =>
  JSON.parse((await run(home, ...args, '--json')).stdout) as T;

/** The creator's machine answers as its agent would. */
async function answer(): Promise<void> {
  const state = stateOf(creator!);
  const file = readFileSync(join(creator!.home, 'net.example.policy'));
  const network = readNetwork(file, 'it').key.publicKey;
  const identity = await openIdentity(state);
  members = openMembers({ network, identity, files: memberFiles(state, network), now: Date.now });
  host = await openHost({ identity, listen: ['/ip4/127.0.0.1/tcp/0'], guard: { members, file } });
}
const at = () => ['--address', host.addresses()[0]!];

beforeAll(async () => {
  [creator, joiner] = [openSandbox(), openSandbox()];
  const card = [
    'organisation org1',
    'url http://127.0.0.1:1/',
    `log ${vkey(signer('log1.example', 101))}`,
    `cosign ${vkey(signer('org1.example', 111, 'cosignature/v1'))}`,
    `attest ${vkey(signer('org1.example', 121))}`,
    '',
  ];
  writeFileSync(join(creator.home, 'one.card'), card.join('\n'));
  mkdirSync(stateOf(creator), { recursive: true });
  // Its agent would be the same peer as the host of this test.
  for (const one of [creator, joiner]) await run(one!, 'config', 'set', 'peers', 'off');
  expect(await json(creator, 'network', 'create', 'net.example', 'one.card', '--private')).toMatchObject({
    private: true,
  });
  expect(await json(creator, 'network', 'create', 'open.example', 'one.card')).toMatchObject({
    private: false,
  });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await creator?.[Symbol.asyncDispose]();
  await joiner?.[Symbol.asyncDispose]();
});

describe('A private network', () => {
  it('says that its file alone lets nobody in', async () => {
    const { stderr, stdout } = await run(creator!, 'network', 'join', 'net.example.policy');
    expect(stdout).toMatch(/^private +yes, peers speak with members only$/m);
    expect(stderr).toContain('pyrsia network invite');
    const { code, stderr: why } = await run(
      creator!,
      'network',
      'invite',
      '--address',
      '/ip4/127.0.0.1/tcp/4001',
    );
    expect([code, why]).toEqual([3, expect.stringContaining('may not let others into net.example')]);
  });

  it('lets others in by whoever holds its key, and tells where nobody would be reached', async () => {
    const refused = await run(creator!, 'network', 'invite', '--key', 'open.example.key');
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining('it is not the key of net.example'),
    ]);
    const alone = await run(creator!, 'network', 'invite', '--key', 'net.example.key');
    expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining('say where with --address')]);
    await answer();
    const said = await run(creator!, 'network', 'invite', ...at());
    expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/^pyrsia-join-\S+\n$/) });
    const token = parseJoinToken(said.stdout.trim());
    expect(token).toMatchObject({
      peer: host.name,
      addresses: [host.addresses()[0]!.replace(/\/p2p\/.*/, '')],
    });
    expect(token.until * 1000 - Date.now()).toBeLessThanOrEqual(day);
  });

  it('is joined by a token, once', { timeout: 60_000 }, async () => {
    const { token } = await json<{ token: string }>(creator!, 'network', 'invite', ...at());
    expect(await run(joiner!, 'network', 'join', token)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^network +net\.example\+/),
    });
    expect(await json(joiner!, 'network', 'info')).toMatchObject({ private: true });
    const { publicKey } = readNetwork(readFileSync(join(creator!.home, 'net.example.policy')), 'it').key;
    const identity = await openIdentity(stateOf(joiner!));
    const card = memberFiles(stateOf(joiner!), publicKey).card()!;
    expect(members.admit(card, identity.name)).toMatchObject({ by: host.name });
    // Only its user reads it.
    expect(statSync(join(stateOf(joiner!), 'peer', 'key')).mode & 0o777).toBe(0o600);

    expect(await run(joiner!, 'network', 'leave')).toMatchObject({ code: 0 });
    expect(memberFiles(stateOf(joiner!), publicKey).card()).toBeUndefined();
    expect(await run(joiner!, 'network', 'join', token)).toMatchObject({ code: 0 });
    const third = openSandbox();
    const again = await run(third, 'network', 'join', token);
    await third[Symbol.asyncDispose]();
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('takes it no more')]);
  });

  it('is not joined in place of another, nor by a token whose time is over, nor where nobody answers', async () => {
    const said = await json<{ token: string }>(creator!, 'network', 'invite', ...at());
    const token = parseJoinToken(said.token);
    const joinBy = async (change: Partial<typeof token>) =>
      run(joiner!, 'network', 'join', formatJoinToken({ ...token, ...change }));
    const other = await joinBy({ network: Buffer.alloc(32, 1) });
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining('leave it first')]);
    const late = await joinBy({ until: 1 });
    expect([late.code, late.stderr]).toEqual([3, expect.stringContaining('its time is over')]);
    const nobody = await joinBy({ addresses: ['/ip4/127.0.0.1/tcp/9'] });
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining(`tcp/9 who is ${host.name}`)]);
    expect(await run(joiner!, 'network', 'join', said.token.slice(0, -20))).toMatchObject({ code: 2 });
  });

  it('tells a doctor who asks that a machine is no member, and why', async () => {
    const seen = async () => {
      const findings = await json<readonly { id: string; title: string }[]>(joiner!, 'doctor');
      return findings.filter(({ id }) => id === 'membership');
    };
    expect(await seen()).toEqual([]);
    const card = memberFiles(stateOf(joiner!), members.network);
    const own = card.card()!;
    card.leave();
    expect(await seen()).toMatchObject([
      { title: expect.stringContaining('never let in'), remedy: expect.stringContaining('network join') },
    ]);
    card.keepCard(members.card()!);
    expect(await seen()).toMatchObject([{ title: expect.stringContaining('the card of another machine') }]);
    card.keepCard(own);
    expect(await seen()).toEqual([]);
  });

  it('lets a peer out for good, by whoever holds its key', async () => {
    const { name } = await openIdentity(stateOf(joiner!));
    expect(await run(joiner!, 'network', 'revoke', host.name, '--key', 'nowhere.key')).toMatchObject({
      code: 5,
    });
    expect(await json(creator!, 'network', 'revoke', name, '--key', 'net.example.key')).toMatchObject({
      revoked: name,
    });
    const { publicKey } = readNetwork(readFileSync(join(creator!.home, 'net.example.policy')), 'it').key;
    const card = memberFiles(stateOf(joiner!), publicKey).card()!;
    members.reload();
    expect(members.admit(card, name)).toBe('revoked');
  });

  it('is none where everybody may take part', async () => {
    await run(creator!, 'network', 'join', 'open.example.policy', '--replace');
    for (const args of [['invite'], ['revoke', host.name, '--key', 'open.example.key']]) {
      const { code, stderr } = await run(creator!, 'network', ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining('open.example is open to everybody')]);
    }
  });
});
