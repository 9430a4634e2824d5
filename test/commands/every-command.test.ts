import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const foreignLog = resolve('test/data/tlog-tessera');
const foreignKey = [
  '--key',
  'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx',
];

const peer = '12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w';

/** How a command is called so that it ends by itself, and the exit code it has in a home where nothing was done yet. */
const calls: Readonly<Record<string, readonly [args: readonly string[], code: number]>> = {
  'agent logs': [[], 0],
  'agent status': [[], 0],
  'agent stop': [[], 0],
  'authority init': [['./authority', '--organisation', 'a.example', '--url', 'https://a.example/'], 2],
  bypass: [['--', 'true'], 0],
  'cache gc': [['--dry-run'], 0],
  'cache info': [['npm:left@1.0.0'], 5],
  'cache ls': [[], 0],
  'cache path': [[], 0],
  'cache rm': [['left', '--yes'], 5],
  'cache size': [[], 0],
  'cache verify': [[], 0],
  'config edit': [[], 0],
  'config get': [['policy'], 0],
  'config ls': [[], 0],
  'config set': [['policy', 'locked'], 0],
  'config unset': [['policy'], 0],
  'docker disable': [[], 0],
  // Root or not, somebody else may use a machine that tests run on, or no daemon is there.
  'docker enable': [[], 1],
  doctor: [[], 0],
  env: [[], 0],
  exec: [['--', 'true'], 0],
  'log proof': [[foreignLog, '7', ...foreignKey], 0],
  'log search': [['left'], 5],
  'log show': [[foreignLog, ...foreignKey], 0],
  'log submit': [['npm:x@1.0.0'], 5],
  'log sync': [[], 5],
  'log tail': [[], 5],
  'log verify': [[foreignLog, ...foreignKey], 0],
  'network create': [['net.example', 'nowhere.card'], 5],
  'network info': [[], 5],
  'network invite': [[], 5],
  'network join': [['nowhere.policy'], 5],
  'network leave': [[], 5],
  'network revoke': [[peer, '--key', 'nowhere.key'], 5],
  'node install': [[], 0],
  'node start': [['./nowhere', '--role', 'authority'], 5],
  'node status': [[], 0],
  'node stop': [[], 0],
  'node uninstall': [[], 0],
  'peers add': [[`/ip4/192.168.1.5/tcp/4001/p2p/${peer}`], 0],
  'peers ban': [[peer], 0],
  'peers ls': [[], 0],
  'peers ping': [[peer], 1],
  'peers rm': [[peer], 0],
  'peers trust': [[peer], 0],
  'peers unban': [[peer], 0],
  pull: [['npm:'], 2],
  share: [[], 0],
  'shim disable': [['nonsense'], 2],
  'shim enable': [['nonsense'], 2],
  'shim install': [['npm', '--no-path'], 0],
  'shim status': [[], 0],
  'shim uninstall': [[], 0],
  status: [[], 0],
  'trust accept': [['npm:left@1.0.0', '--reason', 'for a test'], 5],
  uninstall: [['--yes'], 0],
  why: [['last'], 5],
};

const manifest = JSON.parse(readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as {
  commands: Record<string, unknown>;
};
const ids = Object.keys(manifest.commands)
  .map((id) => id.replaceAll(':', ' '))
  .filter((id) => id !== 'help');

let home: Sandbox;
beforeAll(() => {
  home = openSandbox();
});
afterAll(() => home[Symbol.asyncDispose]());

it('has a row in this table for every command', () => {
  expect(Object.keys(calls).toSorted()).toEqual(ids.toSorted());
});

describe.each(ids)('pyrsia %s', (id) => {
  const [args, code] = calls[id] ?? [[], 0];
  const words = id.split(' ');
  const runsOthers = ['exec', 'bypass'].includes(id);
  const withJson = runsOthers ? [...words, '--json', ...args] : [...words, ...args, '--json'];
  // Whether the machine's own registry answers is not what is tested.
  const env = { EDITOR: 'true', FORCE_COLOR: undefined, PYRSIA_OFFLINE: '1' };

  it('has help that opens with examples', async () => {
    const { stdout, code: exit } = await home.pyrsia([...words, '--help'], { env });
    expect(exit).toBe(0);
    const headings = stdout.match(/^[A-Z][A-Z ]+$/gm);
    expect(headings?.[0]).toBe('EXAMPLES');
    expect(stdout).toMatch(new RegExp(`EXAMPLES\\n(.*\\$ .*pyrsia ${id}.*\\n)+`));
    expect(stdout).toContain('--json');
  });

  it('talks on stderr and writes no escape codes into a pipe', async () => {
    const {
      stdout,
      stderr,
      code: exit,
    } = await home.pyrsia([...words, ...args], { env: { ...env, CI: 'true' } });
    expect({ exit, stderr }).toMatchObject({ exit: code });
    expect(stdout + stderr).not.toContain('\u001B');
    expect(stdout).not.toContain('pyrsia: ');
    if (code !== 0) expect(stdout).toBe('');
    for (const line of stderr.split('\n').filter(Boolean)) expect(line).toMatch(/^pyrsia: [A-Z]/);
  });

  it('prints one JSON value with --json, also when it fails, and ends alike', async () => {
    const { stdout, stderr, code: exit } = await home.pyrsia(withJson, { env });
    expect({ exit, stderr }).toMatchObject({ exit: code });
    const value: unknown = JSON.parse(stdout);
    const failed = {
      error: {
        code: expect.stringMatching(/^[A-Z_]+$/),
        message: expect.any(String),
        details: expect.any(Object),
      },
    };
    if (code === 0) expect(value).not.toHaveProperty('error');
    else expect(value).toEqual(failed);
  });

  it('calls an option that it does not know wrong usage', async () => {
    const wrong = runsOthers ? [...words, '--nope', '--', 'true'] : [...words, ...args, '--nope'];
    const { stdout, stderr, code: exit } = await home.pyrsia(wrong, { env });
    expect(exit).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^pyrsia: Nonexistent flag: --nope$/m);
  });
});

it('says which command it does not know', async () => {
  const { stdout, stderr, code } = await home.pyrsia(['nonsense']);
  expect([stdout, stderr, code]).toEqual([
    '',
    'pyrsia: There is no command "nonsense": see pyrsia --help\n',
    2,
  ]);
});

it('says so in JSON where that is asked for', async () => {
  const { stdout, code } = await home.pyrsia(['cache', 'nonsense', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: 'USAGE', message: expect.stringContaining('"cache nonsense"'), details: {} },
  });
});

it.each([[['-h']], [['cache', 'ls', '-h']]])('helps whoever types %s', async (words) => {
  const { stdout, code } = await home.pyrsia(words);
  expect(code).toBe(0);
  expect(stdout).toContain('EXAMPLES');
});

const help = async (env: Readonly<Record<string, string>>) => (await home.pyrsia(['--help'], { env })).stdout;

it('colours help only for whoever wants it', async () => {
  expect(await help({ FORCE_COLOR: '1' })).toContain('\u001B');
  expect(await help({ GITHUB_ACTIONS: 'true', CI: 'true', TERM: 'xterm-256color' })).not.toContain('\u001B');
});
