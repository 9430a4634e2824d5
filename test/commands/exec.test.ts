import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/resolve/report.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let registry: Registry;
let home: Sandbox;
beforeEach(async () => {
  const packages = [
    makePackage({ name: 'left', version: '1.0.0' }),
    makePackage({ name: 'right', version: '2.0.0' }),
  ];
  registry = await startRegistry({ packages });
  home = openSandbox({ registry: registry.url });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

/** A program of the sandbox, made of these lines of sh. */
function script(...lines: string[]): string {
  const path = join(home.root, 'script');
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

/** An environment in which no agent can live. */
function nowhere() {
  const file = join(home.root, 'file');
  writeFileSync(file, '');
  return { XDG_RUNTIME_DIR: undefined, TMPDIR: file };
}

const dependencies = { left: '^1.0.0', right: '^2.0.0' };
const last = async () => JSON.parse((await home.pyrsia(['why', 'last', '--json'])).stdout) as Receipt;

describe('an install', () => {
  it('comes from upstream, then from the cache, then from the cache with upstream gone', async () => {
    const project = await home.project({ dependencies });
    const receipts: string[] = [];
    for (const round of ['cold', 'warm', 'cut off']) {
      if (round === 'cut off') await registry.pause();
      home.freshNpmCache();
      const { code, stderr } = await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      receipts.push(stderr.split('\n').find((line) => line.startsWith('pyrsia: 2 packages')) ?? stderr);
    }
    expect(receipts).toEqual([
      expect.stringMatching(/^pyrsia: 2 packages · 2 upstream · 2 verified · .* {2}\(pyrsia why last\)$/),
      expect.stringMatching(/^pyrsia: 2 packages · 2 cache · 2 verified · .* not downloaded · /),
      expect.stringMatching(/^pyrsia: 2 packages · 2 cache · 2 verified · /),
    ]);
    expect(project.installed()).toEqual({ 'node_modules/left': '1.0.0', 'node_modules/right': '2.0.0' });
    expect((await last()).totals).toMatchObject({ artifacts: 2, cache: 2, upstream: 0 });
  });

  it('reports each package as a line, at a path relative to where it was started', async () => {
    const project = await home.project({ dependencies });
    home.freshNpmCache();
    await home.pyrsia(['exec', '--', 'npm', 'ci'], {
      cwd: project.dir,
      env: { PYRSIA_REPORT: 'report.jsonl' },
    });
    const purls = home.readReport(join(project.dir, 'report.jsonl')).map(({ purl }) => purl);
    expect(purls.toSorted()).toEqual(['pkg:npm/left@1.0.0', 'pkg:npm/right@2.0.0']);
  });

  it('inside of a script, and inside of another exec, goes through us as well', async () => {
    const project = await home.project({ dependencies });
    home.freshNpmCache();
    const nested = home.pyrsiaCommand(['exec', '--', 'npm', 'ci']).join(' ');
    const { code, stderr } = await home.pyrsia(['exec', '--', 'sh', '-c', nested], { cwd: project.dir });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/pyrsia: 2 packages · 2 upstream/);

    home.freshNpmCache();
    const inScript = await home.pyrsia(['exec', '--', 'sh', '-c', 'npm ci'], { cwd: project.dir });
    expect(inScript.stderr).toMatch(/pyrsia: 2 packages · 2 cache/);
  });

  it.each([
    ['PYRSIA=off', { PYRSIA: 'off' }, {}],
    ['a project that switches us off', {}, { '.pyrsia.json': '{"enabled":false}' }],
  ])('runs without us with %s', async (_, env, files) => {
    const project = await home.project({ dependencies, files });
    home.freshNpmCache();
    const { code, stderr } = await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir, env });
    expect(code).toBe(0);
    expect(stderr).not.toContain('pyrsia');
    expect(home.processes()).toEqual([]);
  });

  it('prints the receipt with --json, and nothing else on stdout', async () => {
    const project = await home.project({ dependencies });
    home.freshNpmCache();
    const { stdout, stderr } = await home.pyrsia(['exec', '--json', '--', 'npm', 'ci'], { cwd: project.dir });
    expect(JSON.parse(stdout)).toMatchObject({
      code: 0,
      receipt: { command: ['npm', 'ci'], totals: { artifacts: 2 } },
    });
    expect(stderr).toContain('added 2 packages');
  });
});

describe('the command', () => {
  it('gets its arguments as they were typed, with and without --', async () => {
    const show = script('printf "[%s]" "$@"');
    const args = ['run', '--json', '--', '--help', '', 'a b'];
    const typed = args.map((arg) => `[${arg}]`).join('');
    expect((await home.pyrsia(['exec', '--', show, ...args])).stdout).toBe(typed);
    expect((await home.pyrsia(['exec', show, ...args])).stdout).toBe(typed);
  });

  it('keeps its exit code', async () => {
    expect((await home.pyrsia(['exec', '--', 'sh', '-c', 'exit 42'])).code).toBe(42);
  });

  it('ends us by its own signal', async () => {
    expect((await home.pyrsia(['exec', '--', 'sh', '-c', 'kill -TERM $$'])).signal).toBe('SIGTERM');
  });

  it('is 127 when there is none', async () => {
    const { code, stderr } = await home.pyrsia(['exec', '--', 'no-such-command']);
    expect([code, stderr]).toEqual([127, 'pyrsia: no-such-command: command not found\n']);
  });

  it('is 126 when it is a file that cannot be run', async () => {
    const file = script('true');
    chmodSync(file, 0o644);
    expect((await home.pyrsia(['exec', '--', file])).code).toBe(126);
  });

  it('that changes something in the user’s name is not led to us', async () => {
    const { stdout } = await home.pyrsia(['exec', '--', 'npm', 'config', 'get', 'registry']);
    expect(stdout.trim()).toBe(registry.url);
    expect(home.processes()).toEqual([]);
  });
});

describe('an agent that cannot serve', () => {
  it('lets the command run, with one line that says so', async () => {
    const { code, stdout, stderr } = await home.pyrsia(['exec', '--', 'echo', 'done'], { env: nowhere() });
    expect([code, stdout]).toEqual([0, 'done\n']);
    expect(stderr).toMatch(/^pyrsia: .*; echo runs without pyrsia \(pyrsia doctor\)\n$/);
  });

  it('does not let it run with PYRSIA_STRICT=1', async () => {
    const env = { ...nowhere(), PYRSIA_STRICT: '1' };
    const { code, stdout, stderr } = await home.pyrsia(['exec', '--', 'echo', 'done'], { env });
    expect([code, stdout]).toEqual([125, '']);
    expect(stderr).toMatch(/^pyrsia: echo: not run, since PYRSIA_STRICT=1: .*\n$/);
  });

  it('because it was killed meanwhile is named after the command has ended', async () => {
    const kill = `kill -9 $(${home.pyrsiaCommand(['agent', 'status', '--json']).join(' ')} | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p')`;
    const { code, stderr } = await home.pyrsia(['exec', '--', 'sh', '-c', kill]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pyrsia: The agent ended while sh was running; /);
  });
});

it('needs no home directory that can be written', async () => {
  const project = await home.project({ dependencies });
  home.freshNpmCache();
  const unset = { XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined, XDG_CONFIG_HOME: undefined };
  const env = {
    ...unset,
    HOME: '/dev/null',
    npm_config_registry: registry.url,
    npm_config_userconfig: join(home.home, '.npmrc'),
  };
  const { code, stderr } = await home.pyrsia(['exec', '--', 'npm', 'ci'], { cwd: project.dir, env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/^pyrsia: 2 packages · 2 upstream/m);
});

it('says what is wrong with the configuration, and runs the command all the same', async () => {
  const env = { PYRSIA_POLICY: 'lax' };
  const { code, stderr } = await home.pyrsia(['exec', '--', 'true'], { env });
  expect(code).toBe(0);
  expect(stderr).toBe('pyrsia: PYRSIA_POLICY: "lax" is ignored, expected observe, locked or strict\n');
});
