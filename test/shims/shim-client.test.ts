import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tools } from '../../src/ecosystems/tools.ts';
import { pathsOf } from '../../src/paths.ts';
import { led } from '../../src/shims/environment.ts';
import { shimScript } from '../../src/shims/shim-script.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openTerminal } from '../support/terminal.ts';
import { SHELLS } from './stand-in.ts';

const CLIENT = fileURLToPath(new URL('../../bin/shim.js', import.meta.url));

let registry: Registry;
let home: Sandbox;
let shims: string;
/** Arguments of each Node that a stand-in has started. */
let asked: () => readonly string[];

beforeEach(async () => {
  registry = await startRegistry({ packages: [makePackage({ name: 'left', version: '1.0.0' })] });
  home = openSandbox({ registry: registry.url });
  install(SHELLS['bash']!);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

function install(interpreter: string): void {
  const { runtime, shims: directory } = pathsOf(home.env);
  shims = directory;
  const [log, node] = [join(home.root, 'asked'), join(home.root, 'node')];
  writeFileSync(log, '');
  // No sh that loses variables.
  writeFileSync(node, `#!/bin/bash -p\necho "$*" >>'${log}'\nexec '${process.execPath}' "$@"\n`, {
    mode: 0o755,
  });
  asked = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/^\S+ \S+ /, ''));
  mkdirSync(shims, { recursive: true });
  for (const tool of tools) {
    const made = {
      tool,
      interpreter,
      node,
      entry: CLIENT,
      shims,
      runtime,
      uid: process.getuid!(),
      env: home.env,
    };
    writeFileSync(join(shims, tool.executable), shimScript(made), { mode: 0o755 });
  }
}

/** The environment of somebody who has installed the stand-ins, with `folders` before the real tools. */
function withShims(...folders: string[]): Record<string, string> {
  return { PATH: [shims, ...folders, home.env['PATH']].join(delimiter) };
}

/** A folder whose npm is made of these lines of sh. */
function fake(...lines: string[]): string {
  const folder = join(home.root, 'fake');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'npm'), ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(join(folder, 'npm'), 0o755);
  return folder;
}

function npm(args: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Finished> {
  return home.run('npm', args, { ...options, env: { ...withShims(), ...env } });
}

const dependencies = { left: '1.0.0' };
// Filling is off in a sandbox, which is nobody's answer.
const told = 'env | grep "^npm_config_registry\\|^PYRSIA" | grep -v "^PYRSIA_.*\\(FILL\\|PEERS\\)=" | sort';
const isLed = /^npm_config_registry=http:\/\/127\.0\.0\.1:/m;

const agents = () => home.processes().filter(({ command }) => command.includes('dist/agent.cjs'));
const without = (reason: string): RegExp =>
  new RegExp(`^pyrsia: .*${reason}.*; npm runs without pyrsia \\(pyrsia doctor\\)\n$`);

describe('a stand-in of npm', () => {
  it.each(Object.entries(SHELLS))(
    'lets it fetch through us, slowly at first, run by %s',
    async (name, shell) => {
      if (name !== 'busybox') install(shell);
      const project = await home.project({ dependencies });
      home.freshNpmCache();
      const { code, stderr } = await npm(['ci'], { cwd: project.dir });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(project.installed()).toEqual({ 'node_modules/left': '1.0.0' });
      expect(asked()).toHaveLength(1);
      expect((await home.pyrsia(['why', 'last'])).stdout).toMatch(
        /fetched +1 package · 1 upstream · 1 verified/,
      );

      // No lockfile here, so that the answer that the agent has left holds.
      await expect
        .poll(
          async () => {
            await npm(['view', 'left', 'version'], { cwd: home.home });
            const before = asked().length;
            const { stdout } = await npm(['view', 'left', 'version'], { cwd: home.home });
            return [stdout, asked().length - before];
          },
          { timeout: 20_000 },
        )
        .toEqual(['1.0.0\n', 0]);
    },
  );

  it('says on a terminal what was fetched, and on no other', async () => {
    const project = await home.project({ dependencies });
    for (const line of [/1 package · 1 upstream/, /1 package · 1 cache/]) {
      const env = { ...home.env, ...withShims(), npm_config_cache: home.freshNpmCache() };
      await using terminal = openTerminal(['npm', 'ci'], { cwd: project.dir, env });
      expect(await terminal.ends()).toEqual({ code: 0, signal: null });
      expect(terminal.screen).toMatch(line);
      expect(terminal.screen.match(/pyrsia:/g)).toHaveLength(1);
    }
    const piped = `npm ci 2>'${home.root}/stderr'`;
    const env = { ...home.env, ...withShims(), npm_config_cache: home.freshNpmCache() };
    await using terminal = openTerminal(['sh', '-c', piped], { cwd: project.dir, env });
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(terminal.screen + readFileSync(join(home.root, 'stderr'), 'utf8')).not.toContain('pyrsia');
  });
});

describe('what npm starts', () => {
  it('finds what its user had, whatever npm made of it meanwhile', async () => {
    const project = await home.project({ dependencies });
    const keys = ['registry', 'globalconfig', 'noproxy', 'replace-registry-host'];
    const script = keys.map((key) => `echo "${key} $(npm config get ${key})"`).join('; ');
    const manifest = { name: 'x', version: '1.0.0', dependencies, scripts: { test: `(${script}) >told` } };
    writeFileSync(join(project.dir, 'package.json'), JSON.stringify(manifest));
    const output = () => readFileSync(join(project.dir, 'told'), 'utf8');
    // A proxy, so that all four are led.
    const env = { HTTPS_PROXY: 'http://127.0.0.1:9/', npm_config_noproxy: '127.0.0.1,a.example' };
    await home.npm(['install-test'], { cwd: project.dir, env });
    const direct = output();
    home.freshNpmCache();
    rmSync(join(project.dir, 'node_modules'), { recursive: true });
    const { code, stderr } = await npm(['install-test'], { cwd: project.dir, env });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(output()).toBe(direct);
    expect((await home.pyrsia(['why', 'last'])).stdout).toContain('npm install-test');
  });
});

describe('the client of the stand-ins', () => {
  it.each([
    ['pub', '--tag', 'x'],
    ['--loglevel', 'silent', 'whoami'],
    ['frob', '--registry=https://theirs.example/'],
  ])('steps aside for npm %s %s', async (...args) => {
    const env = withShims(fake(told, 'echo "$@"'));
    const { code, stdout, stderr } = await npm(args, { env });
    expect({ code, stderr, asked: asked().length }).toEqual({ code: 0, stderr: '', asked: 1 });
    expect(stdout).toMatch(new RegExp(`^PYRSIA_SHIM_DEPTH=1:e:\\d+:.*\n${args.join(' ')}\n$`));
    expect(home.processes()).toEqual([]);
  });

  it('steps aside where a project wants that', async () => {
    const project = await home.project({ dependencies });
    writeFileSync(join(project.dir, '.pyrsia.json'), '{"enabled": false}');
    const { stdout } = await npm(['ci'], { cwd: project.dir, env: withShims(fake(told)) });
    expect([asked().length, isLed.test(stdout)]).toEqual([1, false]);
  });

  it('gives back names that no shell can hold, and what only it was not to see', async () => {
    const env = {
      ...led(withShims(fake('tr "\\0" "\\n" </proc/$$/environ | grep "acme\\|_OPTIONS\\|^PYRSIA=" | sort')), {
        'npm_config_@acme:registry': 'http://127.0.0.1:1/',
      }),
      'PYRSIA_WAS_npm_config_@acme:registry': 'https://acme.example/',
      NODE_OPTIONS: '--title=x',
    } as Record<string, string>;
    for (const args of [['run', 'x'], ['publish']])
      expect((await npm(args, { env })).stdout).toBe(
        'NODE_OPTIONS=--title=x\nnpm_config_@acme:registry=https://acme.example/\n',
      );
  });

  it.each(Object.keys(SHELLS).filter((name) => name !== 'busybox'))(
    'leads a scope whose registry is another, run by %s',
    async (shell) => {
      install(SHELLS[shell]!);
      home.npmrc({ '@acme:registry': `${registry.url}/` });
      const env = withShims(fake('tr "\\0" "\\n" </proc/$$/environ | grep "^npm_config_@acme:registry="'));
      const { stdout, stderr } = await npm(['frob'], { env });
      expect([stdout, stderr]).toEqual([
        expect.stringMatching(/:registry=http:\/\/127\.0\.0\.1:\d+\/\n$/),
        '',
      ]);
      const terminal = openTerminal(['npm', 'frob'], { cwd: home.home, env: { ...home.env, ...env } });
      await terminal.says(/:registry=http:\/\/127\.0\.0\.1:\d+\/\n/);
      expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    },
  );

  it('leaves signals and descriptors as the tool would have found them', async () => {
    const found =
      'grep -h "^SigIgn\\|^SigBlk\\|^flags" /proc/self/status /proc/self/fdinfo/1 /proc/self/fdinfo/2; ls /proc/self/fd';
    const env = withShims(fake(found));
    const direct = await npm(['frob'], { env: { ...env, PATH: fake(found) + delimiter + home.env['PATH'] } });
    expect(await npm(['frob'], { env })).toMatchObject({ stdout: direct.stdout, stderr: '' });
    expect(asked()).toHaveLength(1);
  });

  it('stays the process that was started, with its exit code and its signals', async () => {
    const env = withShims(fake('echo $$', 'read line', 'kill -TERM $$'));
    const { stdout, signal } = await home.run('sh', ['-c', 'echo $$; exec npm frob'], { env, input: 'x\n' });
    const [shell, tool] = stdout.split('\n');
    expect([tool, signal]).toEqual([shell, 'SIGTERM']);
    expect(await npm(['frob'], { env: withShims(fake('exit 41')) })).toMatchObject({ code: 41 });
  });

  it('starts one agent for many at once', async () => {
    const env = withShims(fake(told));
    const all = await Promise.all(Array.from({ length: 8 }, () => npm(['ci'], { env })));
    for (const { stdout, stderr } of all) expect([isLed.test(stdout), stderr]).toEqual([true, '']);
    await expect.poll(agents, { timeout: 20_000 }).toHaveLength(1);
  });

  describe('lets the tool run without us, in one line,', () => {
    it('when the agent hangs', async () => {
      const env = withShims(fake(told));
      await npm(['frob'], { env });
      const [agent] = home.processes();
      process.kill(agent!.pid, 'SIGSTOP');
      const { code, stdout, stderr } = await npm(['frob'], { env });
      expect([code, isLed.test(stdout)]).toEqual([0, false]);
      expect(stderr).toMatch(without('does not answer'));
      const strict = await npm(['frob'], { env: { ...env, PYRSIA_STRICT: '1' } });
      process.kill(agent!.pid, 'SIGCONT');
      expect(strict).toMatchObject({ code: 125, stdout: '' });
      expect(strict.stderr).toMatch(/^pyrsia: npm: not run, since PYRSIA_STRICT=1: .*does not answer\n$/);
    });

    it('where no agent can live', async () => {
      const file = join(home.root, 'file');
      writeFileSync(file, '');
      const env = { ...withShims(fake(told)), XDG_RUNTIME_DIR: undefined, TMPDIR: file };
      const { code, stdout, stderr } = await npm(['frob'], { env });
      expect([code, isLed.test(stdout)]).toEqual([0, false]);
      expect(stdout).toMatch(/^PYRSIA_SHIM_DEPTH=1:/m);
      expect(stderr).toMatch(without('not a directory'));
    });

    it('on a Node that is too old, or unbuilt', async () => {
      const copy = join(home.root, 'copy');
      const bin = fileURLToPath(new URL('../../bin', import.meta.url));
      await home.run('cp', ['-r', bin, join(home.root, 'copied')]);
      mkdirSync(copy);
      await home.run('mv', [join(home.root, 'copied'), join(copy, 'bin')]);
      const tool = join(fake(told, 'exit 41'), 'npm');
      const run = (engines: string) => {
        writeFileSync(
          join(copy, 'package.json'),
          JSON.stringify({ type: 'module', version: '1.0.0', engines: { node: engines } }),
        );
        const args = [join(copy, 'bin', 'shim.js'), '/bin/sh', 'npm', tool, 'ci'];
        return home.run(process.execPath, args, { env: { PYRSIA_WAS_PYRSIA: 'x', PYRSIA: 'off' } });
      };
      for (const [engines, reason] of [
        ['>=99', 'needs Node >=99'],
        ['>=20', 'is not built'],
      ] as const) {
        const { code, stdout, stderr } = await run(engines);
        expect([code, stdout]).toEqual([41, 'PYRSIA=x\n']);
        expect(stderr).toMatch(
          new RegExp(`^pyrsia: pyrsia ${reason}.*; npm runs without pyrsia \\(pyrsia doctor\\)\n$`),
        );
      }
      mkdirSync(join(copy, 'dist'));
      writeFileSync(join(copy, 'dist', 'shim.cjs'), 'half of th');
      const { code, stdout, stderr } = await run('>=20');
      expect([code, stdout]).toEqual([41, 'PYRSIA=x\n']);
      expect(stderr).toMatch(/^pyrsia: SyntaxError.*; npm runs without pyrsia \(pyrsia doctor\)\n$/);
    });

    it.skipIf(process.getuid!() !== 0)('of a user of whom the system knows no home', async () => {
      const env = { ...withShims(fake(told)), HOME: undefined };
      await home.run('chmod', ['-R', 'a+rwX', home.root]);
      const args = ['--reuid=54321', '--regid=54321', '--clear-groups', join(shims, 'npm'), 'frob'];
      const { code, stdout, stderr } = await home.run('setpriv', args, {
        env: { ...env, XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined },
      });
      expect([code, isLed.test(stdout)]).toEqual([0, false]);
      expect(stderr).toMatch(/^pyrsia: .*; npm runs without pyrsia \(pyrsia doctor\)\n$/);
    });
  });

  it('says what there is to say before the tool runs', async () => {
    mkdirSync(pathsOf(home.env).config, { recursive: true });
    writeFileSync(join(pathsOf(home.env).config, 'config.json'), '{"policy": "lax"}');
    const { stderr } = await npm(['frob'], { env: withShims(fake('echo tool >&2')) });
    expect(stderr).toMatch(/^pyrsia: .*"lax" is ignored, .*\ntool\n$/);
    rmSync(join(pathsOf(home.env).config, 'config.json'));
  });
});
