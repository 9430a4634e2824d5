import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerKnown } from '../../src/control/protocol.ts';
import { openPeerBook } from '../../src/p2p/book/peer-book.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const peer = '12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w';
const address = '/ip4/192.168.1.5/tcp/4001';

let home: Sandbox;
beforeAll(() => {
  home = openSandbox();
});
afterAll(() => home[Symbol.asyncDispose]());

/** As a user has it: a sandbox has no peers. No agent is started like that. */
const on = { PYRSIA_PEERS: undefined };
const pyrsia = (args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) =>
  home.pyrsia(args, { cwd: home.home, env: { ...(args[0] === 'node' ? {} : on), ...env } });
const json = async <T>(...args: readonly string[]): Promise<T> =>
  JSON.parse((await pyrsia([...args, '--json'])).stdout) as T;
const known = async () => json<readonly PeerKnown[]>('peers', 'ls');
const isRunning = async () => (await json<{ running: boolean }>('agent', 'status')).running;

const file = () => join(home.env['XDG_STATE_HOME']!, 'pyrsia', 'peer', 'said.json');

describe('pyrsia share', () => {
  it('says what holds and what it means, and asks for nothing to be set up', async () => {
    const { stdout } = await pyrsia(['share']);
    expect(stdout).toMatch(
      /^Sharing is lan\. Computers on links with private addresses .* what is private never leaves/,
    );
    expect(await isRunning()).toBe(false);
  });

  it('changes with whom, and how much, at once', async () => {
    expect(await json('share', 'public', '--up-limit', '1MB')).toMatchObject({
      share: 'public',
      up: 1e6,
      origin: 'user',
    });
    expect((await pyrsia(['share'])).stdout).toContain('given 1 MB/s, taken unlimited');
    expect((await pyrsia(['status'])).stdout).toMatch(
      /^sharing +public; given up to 1 MB\/s, taken without limit$/m,
    );
    expect(await json('share', 'off', '--up-limit', 'unlimited')).toMatchObject({
      share: 'off',
      up: 'unlimited',
    });
  });

  it('refuses a limit that is none, and changes nothing then', async () => {
    const { code, stderr } = await pyrsia(['share', 'public', '--up-limit', '1kB']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('at least 10 kB')]);
    expect(await json('share')).toMatchObject({ share: 'off' });
  });

  it('tells where something else is stronger', async () => {
    const { stdout, stderr } = await pyrsia(['share', 'public'], { PYRSIA_SHARE: 'off' });
    expect(stdout).toContain('Sharing is off');
    expect(stderr).toContain('environment says off, which is stronger');
    writeFileSync(join(home.home, '.pyrsia.json'), '{ "share": "lan" }');
    expect(await json('share')).toMatchObject({ share: 'public', origin: 'user' });
    writeFileSync(join(home.home, '.pyrsia.json'), '{ "peers": "off" }');
    expect((await pyrsia(['share'])).stdout).toContain('Peers are off');
    writeFileSync(join(home.home, '.pyrsia.json'), '{}');
  });
});

describe('pyrsia peers', () => {
  it('keeps what is said of a peer, for its user alone, with no agent running', async () => {
    expect(await known()).toEqual([]);
    await pyrsia(['peers', 'add', `${address}/p2p/${peer}`]);
    await pyrsia(['peers', 'trust', peer]);
    expect(await known()).toEqual([
      { peer, addresses: [address], connected: false, said: ['added', 'trusted'], strikes: 0, failures: 0 },
    ]);
    expect((await pyrsia(['peers', 'ls'])).stdout).toMatch(
      /added, trusted +\/ip4\/192\.168\.1\.5\/tcp\/4001$/m,
    );
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(await isRunning()).toBe(false);
  });

  it('bans and unbans, also by a whole address', async () => {
    await pyrsia(['peers', 'ban', `${address}/p2p/${peer}`]);
    expect((await known())[0]?.said).toEqual(['added', 'banned', 'trusted']);
    await pyrsia(['peers', 'unban', peer]);
    expect((await known())[0]?.said).toEqual(['added', 'trusted']);
  });

  it('lists who the last agent has met, with how it did', async () => {
    const other = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
    const log: string[] = [];
    const state = join(home.env['XDG_STATE_HOME']!, 'pyrsia');
    await using book = openPeerBook(state, { log: (line) => void log.push(line), said: () => new Map() });
    book.saw(other, ['/ip4/192.168.1.6/tcp/4001']);
    book.gave(other, 5_000_000, 1000);
    book.failed(other, 'slow');
    book.strike(other, { reason: 'wrong-chunk' });
    await book.settled();
    const found = (await known()).find((each) => each.peer === other);
    expect(found).toMatchObject({
      said: [],
      strikes: 1,
      failures: 1,
      addresses: ['/ip4/192.168.1.6/tcp/4001'],
      connected: false,
    });
    expect(found?.rate).toBeGreaterThan(0);
    expect((await pyrsia(['peers', 'ls'])).stdout).toMatch(
      new RegExp(`^${other} .* ago .*/s +1 +1 +/ip4/192.168.1.6`, 'm'),
    );
    for (let i = 0; i < 2; i++) book.strike(other, { reason: 'wrong-chunk' });
    await book.settled();
    expect((await known()).find((each) => each.peer === other)?.bannedUntil).toBeGreaterThan(Date.now());
    expect((await pyrsia(['peers', 'ls'])).stdout).toContain('banned for ');
    rmSync(join(state, 'peer', 'book.json'));
  });

  it('takes back all that was said', async () => {
    await pyrsia(['peers', 'rm', peer]);
    expect(await known()).toEqual([]);
  });

  it.each([
    [['peers', 'add', peer]],
    [['peers', 'add', `/ip4/192.168.1/tcp/4001/p2p/${peer}`]],
    [['peers', 'add', `/ip4/192.168.1.5/tcp/0/p2p/${peer}`]],
    [['peers', 'add', `${address}/p2p/${peer.replace('12D3', '12D4')}`]],
    [['peers', 'ban', 'left-pad']],
  ])('does not take %j for a peer', async (args) => {
    const { code, stderr } = await pyrsia(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Cannot read reference')]);
    expect(await known()).toEqual([]);
  });

  it('forgets no ban because its file is damaged', async () => {
    await pyrsia(['peers', 'ban', peer]);
    const text = readFileSync(file(), 'utf8');
    writeFileSync(file(), text.slice(0, -3));
    for (const args of [
      ['peers', 'ls'],
      ['peers', 'trust', peer],
    ])
      expect(await pyrsia(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('said.json') });
    expect(readFileSync(file(), 'utf8')).toBe(text.slice(0, -3));
    writeFileSync(file(), text);
    expect((await known())[0]?.said).toEqual(['banned']);
  });
});

describe('pyrsia node', () => {
  // Without a systemd of the user's own, whatever this machine has.
  const env = { PYRSIA_IDLE: '0', XDG_RUNTIME_DIR: '', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
  const status = async () =>
    JSON.parse((await pyrsia(['node', 'status', '--json'], env)).stdout) as Record<string, unknown>;

  it('keeps the agent until it is let go', { timeout: 60_000 }, async () => {
    expect(await status()).toEqual({ resident: false, installed: false, running: false });
    const started = await pyrsia(['node', 'start'], env);
    expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^The agent stays \(pid \d+\)/) });
    // Longer than it would stay idle, which is until its client has gone.
    const { pid } = await status();
    for (let i = 0; i < 3; i++) expect(await status()).toMatchObject({ resident: true, running: true, pid });

    expect(await pyrsia(['node', 'stop'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no longer'),
    });
    await expect.poll(status, { timeout: 20_000 }).toMatchObject({ resident: false, running: false });
  });

  it('tells what is for authorities only', async () => {
    for (const args of [['./authority'], ['--listen', '127.0.0.1:0'], ['--key-file', 'x']]) {
      const { code, stderr } = await pyrsia(['node', 'start', ...args], env);
      expect([code, stderr]).toEqual([2, expect.stringContaining('is for --role authority')]);
    }
    expect(await pyrsia(['node', 'start', '--role', 'authority'], env)).toMatchObject({ code: 2 });
    expect(await status()).toMatchObject({ resident: false });
  });
});
