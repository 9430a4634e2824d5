import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchFile, readLaunch, writeLaunch } from '../../src/shims/launch.ts';

const isRoot = process.getuid?.() === 0;
const id = '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11';
const name = '5d1f6a6e-4c0b-4f0e-8d0e-7a1f2b3c4d5e';
const request = {
  pid: 42,
  cwd: '/home/ada/x',
  tool: 'npm',
  executable: '/usr/bin/npm',
  args: ['ci'],
  env: {},
  receipt: false,
};
/** A launch file's text with this pid and count, and what follows them. */
const fields = (pid: string, count: string, ...rest: string[]): string =>
  [`pyrsia-launch-2`, name, '', '', pid, '/', 'npm', '/npm', count, ...rest, ''].join('\0');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-launch-'));
  mkdirSync(join(directory, 'launch'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A launch file that holds `text`. */
function put(text: string, mode = 0o600): string {
  const file = launchFile(directory, id);
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode });
  return file;
}

describe('a launch file', () => {
  const text = fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\0', '').toWellFormed());

  test.prop([
    fc.array(text),
    text,
    fc.dictionary(fc.constantFrom('npm_config_//localhost/:_auth', 'CI', 'Https_Proxy', 'PYRSIA_X'), text),
  ])('gives back what was written', (args, cwd, env) => {
    const written = { ...request, args, cwd, env };
    const random = writeLaunch(directory, written);
    expect(readLaunch(directory, random.id)).toEqual({ ...written, ...random });
    expect(random.name).not.toBe(random.id);
    expect(statSync(launchFile(directory, random.id)).mode & 0o777).toBe(0o600);
  });

  it('keeps newlines, quotes, and arguments that look like its own fields', () => {
    const args = ['a\nb', 'ö "q" \'s\' $HOME', '', 'end', 'CI=1'];
    const { id: random } = writeLaunch(directory, { ...request, args, env: { CI: 'end' } });
    expect(readLaunch(directory, random)).toMatchObject({ args, env: { CI: 'end' } });
  });

  it('keeps of the environment what may matter to the agent', () => {
    const env = {
      NPM_CONFIG_REGISTRY: 'http://localhost/',
      PREFIX: '/p',
      HOME: '/home/ada',
      no_proxy: 'localhost',
      ALL_PROXY: 'socks://localhost',
      AWS_SECRET_ACCESS_KEY: 's3cret',
      GITHUB_TOKEN: 's3cret',
      SHELL: '/bin/sh',
    };
    const { id: random } = writeLaunch(directory, { ...request, env });
    expect(Object.keys(readLaunch(directory, random)!.env)).toEqual([
      'NPM_CONFIG_REGISTRY',
      'PREFIX',
      'HOME',
      'no_proxy',
      'ALL_PROXY',
    ]);
  });

  it('can be written by a shell', () => {
    const script = `printf '%s\\0' pyrsia-launch-2 ${name} 0123456789abcdef 1 42 "$PWD" npm /usr/bin/npm "$#" "$@" "CI=$CI" end > "$FILE"`;
    const file = launchFile(directory, id);
    rmSync(file, { force: true });
    spawnSync('sh', ['-c', script, 'sh', 'run', 'a\nb'], { cwd: '/', env: { CI: 'yes', FILE: file } });
    expect(readLaunch(directory, id)).toEqual({
      ...request,
      id,
      name,
      generation: '0123456789abcdef',
      receipt: true,
      cwd: '/',
      args: ['run', 'a\nb'],
      env: { CI: 'yes' },
    });
  });

  it('is not there until its end is, wherever the write stopped', () => {
    const { id: random } = writeLaunch(directory, { ...request, args: ['end', 'end'], env: { CI: 'end' } });
    const whole = readFileSync(launchFile(directory, random), 'utf8');
    for (let length = 0; length < whole.length; length++) {
      put(whole.slice(0, length));
      expect(readLaunch(directory, id)).toBeUndefined();
    }
    put(whole);
    expect(readLaunch(directory, id)).toMatchObject({ args: ['end', 'end'] });
  });

  it('is undefined when there is none', () => {
    expect(readLaunch(directory, '00000000-0000-4000-8000-000000000000')).toBeUndefined();
  });

  it.each(['../agent.lock', '', `${id}.npmrc`, id.toUpperCase(), `${id}\n`])('has no id like %j', (other) => {
    expect(() => readLaunch(directory, other)).toThrow(/no id of a launch/);
  });

  it.each([
    ['another format', 'pyrsia-launch-1\0x\0'],
    ['a pid that is none', fields('-1', '0', 'end')],
    ['a count that is none', fields('1', 'x', 'end')],
    ['a name that is a path', fields('1', '0', 'end').replace(name, '../agent')],
    ['a name that tells its id', fields('1', '0', 'end').replace(name, id)],
    ['a variable without a name', fields('1', '0', '=x', 'end')],
    ['more after its end', fields('1', '0', 'end', 'CI=1')],
  ])('is refused with %s', (_, malformed) => {
    put(malformed);
    expect(() => readLaunch(directory, id)).toThrow(expect.objectContaining({ code: 'AGENT_REFUSED' }));
  });

  it('has whatever mode its writer could give it: its directory is ours alone', () => {
    chmodSync(put(fields('1', '0', 'end')), 0o644);
    expect(readLaunch(directory, id)).toMatchObject({ pid: 1 });
  });

  it('is refused when it is a link, no file, or too large', () => {
    const whole = fields('1', '0', 'end');
    const file = put(whole);
    rmSync(`${file}.real`, { force: true });
    writeFileSync(`${file}.real`, whole, { mode: 0o600 });
    rmSync(file);
    symlinkSync(`${file}.real`, file);
    expect(() => readLaunch(directory, id)).toThrow(/cannot be opened/);

    rmSync(file);
    mkdirSync(file, { mode: 0o600 });
    expect(() => readLaunch(directory, id)).toThrow(`the launch file ${file} is no file`);

    rmSync(file, { recursive: true });
    put(whole);
    appendFileSync(file, 'x'.repeat(2 ** 20));
    expect(() => readLaunch(directory, id)).toThrow(/has \d+ bytes/);
    expect(() => writeLaunch(directory, { ...request, args: ['x'.repeat(2 ** 20)] })).toThrow(
      /have \d+ bytes/,
    );
  });

  it.runIf(isRoot)("is refused when it is somebody else's", () => {
    const file = put(fields('1', '0', 'end'));
    chownSync(file, 12_345, 12_345);
    expect(() => readLaunch(directory, id)).toThrow(`the launch file ${file} belongs to user 12345`);
  });
});
