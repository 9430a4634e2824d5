import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

describe('the package that ships', () => {
  let folder: string;
  let files: string[];

  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, HOME: folder },
    });
  const pyrsia = (...args: string[]) => run(process.execPath, 'node_modules/pyrsia/bin/run.js', ...args);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pyrsia-package-'));
    const [packed] = Object.values(
      JSON.parse(run('npm', 'pack', resolve('.'), '--json', '--ignore-scripts')),
    ) as [{ filename: string; files: { path: string }[] }];
    files = packed.files.map(({ path }) => path);
    run('npm', 'install', packed.filename, '--offline', '--no-audit', '--no-fund');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has no dependencies, so that installing it is unpacking it', () => {
    expect(manifest).not.toHaveProperty('dependencies');
  });

  it('holds what was built and nothing of the workshop', () => {
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'bin/run.js', 'dist/main.js', 'oclif.manifest.json']),
    );
    expect(files.filter((path) => /^(src|test|scripts|node_modules|\.)/.test(path))).toEqual([]);
  });

  it('holds the pages that its help and its README point to', () => {
    expect(files).toEqual(
      expect.arrayContaining(['docs/report.md', 'docs/configuration.md', 'docs/npm-ci.svg']),
    );
  });

  it('names the licence of everything that is bundled', () => {
    expect(files).toContain('dist/THIRD-PARTY-NOTICES.txt');
    // One is the commands', the other the agent's.
    const both = '^\\(@oclif/core\\|undici\\) ';
    expect(run('grep', '-c', both, 'node_modules/pyrsia/dist/THIRD-PARTY-NOTICES.txt')).toBe('2\n');
  });

  it('has libp2p in a file by itself, which the agent reads only when it asks peers', () => {
    const holders = files.filter((path) => {
      if (!/^dist\/.*\.c?js$/.test(path)) return false;
      return readFileSync(join(folder, 'node_modules/pyrsia', path), 'utf8').includes('/ipfs/id/push/1.0.0');
    });
    expect(holders).toEqual(['dist/peers.cjs']);
  });

  it('runs as soon as it is installed', () => {
    expect(pyrsia('--version')).toMatch(`pyrsia/${manifest.version}`);
    expect(pyrsia('help')).toContain('COMMANDS');
  });

  it('loads every command that it lists', async () => {
    const { commands } = await import(resolve('oclif.manifest.json'), { with: { type: 'json' } }).then(
      (m) => m.default,
    );
    for (const id of Object.keys(commands)) expect(pyrsia(...id.split(':'), '--help')).toContain('USAGE');
  });

  it('has nothing that publint would change', async () => {
    expect((await publint({ pkgDir: resolve('.'), strict: true })).messages).toEqual([]);
  });
});
