import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let home: Sandbox;
const pyrsia = (...args: string[]) => home.pyrsia(args, { cwd: home.home });
const at = (name: string): string => join(home.home, name);
const names = ['--organisation', 'a.example', '--url', 'http://127.0.0.1:8090/'];
const init = (...args: string[]) => pyrsia('authority', 'init', './authority', ...names, ...args);
const start = ['node', 'start', './authority', '--role', 'authority', '--key-file', './passphrase'];

/** Starts it, has something asked, and interrupts it. */
async function interrupted(signal: NodeJS.Signals, ask: (url: string) => Promise<void>) {
  const port = await freePort();
  const command = home.pyrsiaCommand([...start, '--listen', `127.0.0.1:${port}`]);
  const running = home.start(command, { cwd: home.home });
  const url = `http://127.0.0.1:${port}/`;
  await expect.poll(async () => (await fetch(url)).status, { timeout: 20_000 }).toBe(404);
  await ask(url);
  running.kill(signal);
  return running.result;
}

beforeAll(() => {
  home = openSandbox();
});
afterAll(() => home[Symbol.asyncDispose]());

describe('pyrsia authority init', () => {
  it('wants a passphrase', async () => {
    const { code, stderr } = await init();
    expect([code, stderr]).toEqual([
      2,
      'pyrsia: There is no terminal to ask for the passphrase on: --key-file FILE\n',
    ]);
    expect(existsSync(at('authority'))).toBe(false);
  });

  it('makes keys that only their user may read, and prints what is public alone', async () => {
    const { code, stdout, stderr } = await init('--key-file', './passphrase');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^organisation a\.example\nurl http:\/\/127\.0\.0\.1:8090\/\nlog a\.example\/log\+.+\ncosign a\.example\+.+\nattest a\.example\+.+\npeer .+\n$/,
    );
    expect(readFileSync(at('authority/card'), 'utf8')).toBe(stdout);
    for (const file of ['passphrase', 'authority/keys']) expect(statSync(at(file)).mode & 0o777).toBe(0o600);
    expect(statSync(at('authority')).mode & 0o777).toBe(0o700);
    expect(readFileSync(at('authority/keys'), 'utf8')).not.toContain(
      readFileSync(at('passphrase'), 'utf8').trim(),
    );
  });

  it('makes none in the place of others', async () => {
    const before = readFileSync(at('authority/keys'));
    const { code, stderr } = await init('--key-file', './passphrase');
    expect(code).toBe(1);
    expect(stderr).toContain('there is an authority already');
    expect(readFileSync(at('authority/keys'))).toEqual(before);
  });
});

describe('pyrsia node start', () => {
  it('wants the file of a network that it is part of', async () => {
    expect((await pyrsia(...start)).stderr).toContain('Not found: ');
    writeFileSync(at('authority/network.policy'), 'quorum none\n');
    expect((await pyrsia(...start)).stderr).toContain('a.example is no part of it');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('answers until it gets %s, and ends with 0', async (signal) => {
    const card = Object.fromEntries(
      readFileSync(at('authority/card'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')),
    ) as Record<string, string>;
    writeFileSync(
      at('authority/network.policy'),
      `# pyrsia observer a ${card['attest']}\nlog ${card['log']} ${card['url']}\nwitness a ${card['cosign']}\nquorum a\n`,
    );
    const { code, stdout, stderr } = await interrupted(signal, async (url) => {
      const status: unknown = await (await fetch(`${url}status`)).json();
      expect(status).toMatchObject({ organisation: 'a.example', orders: true, size: 0, final: 0 });
      // There is one at a time.
      expect((await pyrsia(...start)).stderr).toContain('it runs already in');
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
    expect(stderr).toContain('a.example answers at http://127.0.0.1:');
  });

  it('opens no keys with another passphrase, or one that others may read', async () => {
    writeFileSync(at('other'), 'another passphrase\n', { mode: 0o600 });
    const { code, stderr } = await pyrsia(...start.slice(0, -1), './other');
    expect(code).toBe(3);
    expect(stderr).toContain('the passphrase is not that of these keys');
    writeFileSync(at('open'), 'another passphrase\n', { mode: 0o644 });
    expect((await pyrsia(...start.slice(0, -1), './open')).stderr).toContain('others may read it');
  });
});
