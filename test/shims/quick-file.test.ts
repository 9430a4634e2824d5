import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ecosystems } from '../../src/ecosystems/index.ts';
import { relevantOf } from '../../src/shims/launch.ts';
import {
  areUnchanged,
  fingerprint,
  quickFile,
  quickLines,
  removeQuickFile,
  removeQuickFiles,
  writeQuickFile,
} from '../../src/shims/quick-file.ts';
import { plain } from '../support/plain-ecosystem.ts';

const tool = plain.tools[0]!;
const credential = '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11';
const pathOf = (file: string): string => `/run/launch/name.${file}`;
const say = (redirection: Parameters<typeof quickLines>[0]) =>
  quickLines(redirection, tool, { credential, pathOf });
const answer = {
  executable: '/usr/bin/plain',
  node: undefined,
  variables: 'a|',
  lockfile: false,
  sources: [],
  lines: ['$PLAIN_REGISTRY=http://127.0.0.1:1/'],
};

const write = (changes: Partial<Parameters<typeof writeQuickFile>[3]> = {}, readAt = Date.now()) =>
  writeQuickFile(directory, 'plain', '0123456789abcdef', { ...answer, ...changes }, readAt);

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pyrsia-quick-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('a redirection', () => {
  it('is said without what differs from launch to launch', () => {
    const lines = say({
      env: { PLAIN_REGISTRY: 'http://127.0.0.1:1/', PLAIN_CONFIG: pathOf('config') },
      files: { config: `token=${credential}\n\n theirs = kept \n` },
      args: ['-gs', 'x'],
    });
    expect(lines).toEqual([
      '$PLAIN_REGISTRY=http://127.0.0.1:1/',
      '&PLAIN_CONFIG=config',
      '>config',
      '@token=',
      ':',
      ': theirs = kept ',
      '!-gs',
      '!x',
    ]);
  });

  it('may lead to a socket that listens already', () => {
    const env = { PLAIN_REGISTRY: `unix://${pathOf('socket')}` };
    const how = { credential, pathOf };
    expect(quickLines({ env }, { ...tool, socket: 'socket' }, how)).toEqual(['~PLAIN_REGISTRY=socket']);
  });

  it.each([
    ['sets a variable that a shell cannot restore', { env: { 'plain:scope': 'x' } }],
    ['has a value of two lines', { env: { PLAIN_REGISTRY: 'a\nb' } }],
    ['holds a NUL', { env: {}, files: { config: 'a\0b' } }],
    ['has the credential within a line', { env: {}, files: { config: `${credential} is it` } }],
    ['has the credential in a variable', { env: { PLAIN_REGISTRY: credential } }],
    ['copies much configuration', { env: {}, files: { config: 'x\n'.repeat(21) } }],
  ])('cannot be said when it %s', (_, redirection) => {
    expect(say(redirection)).toBeUndefined();
  });

  it('may copy a little configuration', () => {
    expect(say({ env: {}, files: { config: 'x\n'.repeat(20) } })).toHaveLength(21);
  });
});

describe('a quick file', () => {
  it('has one value a line, for the user only', () => {
    const sources = [
      { path: '/home/ada/.npmrc', exists: true },
      { path: '/etc/npmrc', exists: false },
    ];
    expect(write({ node: '/usr/bin/node', lockfile: true, sources })).toBe(true);
    expect(readFileSync(quickFile(directory, 'plain'), 'utf8')).toBe(
      `pyrsia-quick-1
${process.pid}
0123456789abcdef
/usr/bin/plain
/usr/bin/node
a|
1
=/home/ada/.npmrc
-/etc/npmrc
$PLAIN_REGISTRY=http://127.0.0.1:1/
end
`,
    );
    expect(statSync(quickFile(directory, 'plain')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['quick-plain']);
  });

  it('is none where a value has two lines', () => {
    expect(write({ variables: 'a\nb' })).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is older than whatever changes in the second in which the settings were read, for any shell', () => {
    const settings = join(directory, 'settings');
    const sources = [{ path: settings, exists: true }];
    writeFileSync(settings, '');
    const readAt = Date.now();
    write({}, readAt);
    const second = Math.floor(readAt / 1000);
    expect(Math.floor(statSync(quickFile(directory, 'plain')).mtimeMs / 1000)).toBeLessThan(second);

    expect(areUnchanged(sources, readAt)).toBe(false);
    utimesSync(settings, second - 1, second - 1);
    expect(areUnchanged(sources, readAt)).toBe(true);
    utimesSync(settings, second, second);
    expect(areUnchanged(sources, readAt)).toBe(false);
  });

  it('no longer holds when a file has come or gone', () => {
    const [there, gone] = [join(directory, 'there'), join(directory, 'gone')];
    writeFileSync(there, '');
    utimesSync(there, 1, 1);
    expect(areUnchanged([{ path: gone, exists: true }], Date.now())).toBe(false);
    expect(areUnchanged([{ path: there, exists: false }], Date.now())).toBe(false);
    expect(
      areUnchanged(
        [
          { path: gone, exists: false },
          { path: there, exists: true },
        ],
        Date.now(),
      ),
    ).toBe(true);
  });

  it('is removed by itself, or with those of all tools and nothing else', () => {
    for (const name of ['quick-plain', 'quick-plainer', 'quick-plain.new', 'agent.lock'])
      writeFileSync(join(directory, name), '');
    removeQuickFile(directory, 'plain');
    expect(readdirSync(directory)).toEqual(['agent.lock', 'quick-plain.new', 'quick-plainer']);
    removeQuickFiles(directory);
    expect(readdirSync(directory)).toEqual(['agent.lock']);
    removeQuickFiles(join(directory, 'gone'));
    expect(existsSync(join(directory, 'gone'))).toBe(false);
  });
});

describe('the variables that decide whom a tool asks', () => {
  it('are told apart from those that are empty or missing by their place', () => {
    expect(fingerprint(tool, { PLAIN_CONFIG: 'x', OTHER: 'y' })).toBe('|x');
    expect(fingerprint(tool, { PLAIN_REGISTRY: 'x', PLAIN_CONFIG: '' })).toBe('x|');
  });

  it.each(ecosystems.flatMap(({ tools }) => tools))('are all in a launch of $executable', ({ settings }) => {
    const env = Object.fromEntries(settings.variables.map((name) => [name, 'x']));
    expect(relevantOf(env)).toEqual(env);
  });
});
