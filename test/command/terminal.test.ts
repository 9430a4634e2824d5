/** What commands of ours show to somebody who sits at a terminal, and what they ask. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/content/format.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openTerminal, type Terminal, type TerminalOptions } from '../support/terminal.ts';

/** What takes a line of progress away. */
const ERASED = '\r\u001B[K';

let registry: Registry;
let home: Sandbox;
let large: Package;
beforeAll(async () => {
  large = await makePackage({ name: 'large', version: '1.0.0', size: 12 * 2 ** 20 });
  registry = await startRegistry({ packages: [large, makePackage({ name: 'small', version: '1.0.0' })] });
  home = openSandbox({ registry: registry.url });
  await home.pyrsia(['pull', 'npm:small']);
  // Whoever sits here has been greeted.
  await using first = open(['cache', 'size']);
  await first.ends();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await registry.close();
});

const open = (args: readonly string[], { env, ...options }: TerminalOptions = {}): Terminal =>
  openTerminal(home.pyrsiaCommand(args), { cwd: home.home, ...options, env: { ...home.env, ...env } });

/** Whether what is asked about is still in the cache. */
const isThere = async (): Promise<boolean> =>
  (await home.pyrsia(['cache', 'ls', 'small', '--json'])).stdout.includes('pkg:npm/small@1.0.0');

describe('the progress of a pull', () => {
  it('is one line, no wider than the terminal, and gone before the result is printed', async () => {
    registry.misbehave({ kind: 'drip', match: /large-1\.0\.0\.tgz$/, bytes: 2 ** 18, everyMs: 20 });
    const size = formatBytes(large.tarball.byteLength);
    await using terminal = open(['pull', 'npm:large'], { columns: 45 });
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });

    const [result, ...shown] = terminal.screen.split(ERASED).toReversed();
    expect(result).toMatch(/^purl +pkg:npm\/large@1\.0\.0\n(\w+ .*\n)+$/);
    expect(shown.pop()).toBe('');
    expect(new Set(shown).size).toBeGreaterThan(1);
    const whole = new RegExp(
      String.raw`^pkg:npm/large@1\.0\.0: ([\d.]+ [kM]B of ${size}|${size}, checking)$`,
    );
    for (const line of shown) expect(line).toMatch(whole);
    registry.behave();

    await using narrow = open(['pull', 'npm:large'], { columns: 25 });
    await narrow.ends();
    const cut = narrow.screen.split(ERASED).slice(1, -1);
    expect(cut.length).toBeGreaterThan(0);
    for (const line of cut) expect(line).toMatch(/^pkg:npm\/large@1\.0\.0: .{3}$/);
  });

  it.each([{ TERM: 'dumb' }, { CI: 'true' }, { NO_COLOR: '1' }])('is not shown with %j', async (env) => {
    await using terminal = open(['pull', 'npm:large'], { env });
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(terminal.screen).toMatch(/^purl /);
    expect(terminal.screen).not.toContain('\u001B');
  });

  it('leaves stdout to the result', async () => {
    const command = home.pyrsiaCommand(['pull', 'npm:large', '--json']).join(' ');
    await using terminal = openTerminal(['sh', '-c', `${command} > out.json`], {
      cwd: home.home,
      env: home.env,
    });
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(terminal.screen).toContain(`${ERASED}pkg:npm/large@1.0.0: `);
    expect(terminal.screen.endsWith(ERASED)).toBe(true);
    const { stdout } = await home.run('cat', ['out.json']);
    expect(JSON.parse(stdout)).toMatchObject([{ purl: 'pkg:npm/large@1.0.0' }]);
  });
});

describe('a question', () => {
  const asked = 'Remove pkg:npm/small@1.0.0 (';

  it.each([
    ['n', 'n\r', 2],
    ['nothing', '\r', 2],
    ['something else', 'yo\r', 2],
    ['Ctrl-D', '\x04', 2],
    ['Ctrl-C', '\x03', null],
  ])('answered with %s changes nothing', async (_, keys, code) => {
    await using terminal = open(['cache', 'rm', 'small']);
    await terminal.says(asked);
    await terminal.says('[y/N] ');
    terminal.write(keys);
    expect(await terminal.ends()).toEqual({ code, signal: code === null ? 'SIGINT' : null });
    if (code !== null)
      expect(terminal.screen).toMatch(/\n+pyrsia: Nothing was removed: confirm, or give --yes\n$/);
    expect(await isThere()).toBe(true);
  });

  it('is answered with yes by whoever means it, and leaves the terminal as it was', async () => {
    const remove = home.pyrsiaCommand(['cache', 'rm', 'small']).join(' ');
    const compared = `was=$(stty -g); ${remove}; test "$was" = "$(stty -g)" && echo as before`;
    await using terminal = openTerminal(['sh', '-c', compared], { env: home.env });
    await terminal.says('[y/N] ');
    terminal.write('Yes\r');
    await terminal.says(/pyrsia: Removed 1, .*\n/);
    await terminal.says('as before');
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(await isThere()).toBe(false);
  });

  it('is not asked where only the answer would come from a terminal', async () => {
    const command = home.pyrsiaCommand(['cache', 'rm', 'large']).join(' ');
    await using terminal = openTerminal(['sh', '-c', `${command} 2>&1 | cat`], { env: home.env });
    await terminal.ends();
    expect(terminal.screen).toBe('pyrsia: Nothing was removed: confirm, or give --yes\n');
  });
});
