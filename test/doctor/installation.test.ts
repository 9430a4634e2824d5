import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clinic, openClinic } from './clinic.ts';

const ROOT = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

let clinic: Clinic;
beforeEach(async () => {
  clinic = await openClinic();
});
afterEach(() => clinic[Symbol.asyncDispose]());

const first = (directory: string) => ({ PATH: [directory, clinic.sandbox.env['PATH']].join(delimiter) });

/** A directory with one program in it. */
function directoryWith(name: string, script: string): string {
  const directory = join(clinic.sandbox.root, `bin-${name}`);
  mkdirSync(directory);
  writeFileSync(join(directory, name), script, { mode: 0o755 });
  return directory;
}

describe('Another pyrsia on the PATH', () => {
  it('is found where npm has installed it, and removed by the command that is named', async () => {
    const prefix = join(clinic.sandbox.root, 'usr local');
    const root = join(prefix, 'lib', 'node_modules', 'pyrsia');
    mkdirSync(join(root, 'bin'), { recursive: true });
    mkdirSync(join(prefix, 'bin'));
    writeFileSync(
      join(root, 'package.json'),
      '{"name":"pyrsia","version":"0.0.1","bin":{"pyrsia":"bin/run.js"}}',
    );
    writeFileSync(join(root, 'bin', 'run.js'), '#!/usr/bin/env node\n', { mode: 0o755 });
    const bin = join(prefix, 'bin', 'pyrsia');
    symlinkSync(join(root, 'bin', 'run.js'), bin);
    const env = first(dirname(bin));

    const { title, cost, remedy } = await clinic.finding('pyrsia-twice', { env });
    expect(title).toBe(`There is another pyrsia: ${bin} is 0.0.1 in ${root}, this is ${version} in ${ROOT}`);
    expect(cost).toContain('It is what runs when you type pyrsia');
    await clinic.type(remedy);
    expect(existsSync(bin)).toBe(false);
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it('is found where somebody has put it, also behind ours, and removed by the command that is named', async () => {
    const old = directoryWith('pyrsia', '#!/bin/sh\necho pyrsia 0.2.4\n');
    const ours = join(clinic.sandbox.root, 'ours');
    mkdirSync(ours);
    symlinkSync(join(ROOT, 'bin', 'run.js'), join(ours, 'pyrsia'));
    symlinkSync(process.execPath, join(ours, 'node'));
    const env = { PATH: [ours, old, clinic.sandbox.env['PATH']].join(delimiter) };
    const { title, cost, remedy } = await clinic.finding('pyrsia-twice', { env });
    expect(title).toContain(`${join(old, 'pyrsia')} is 0.2.4 in`);
    expect(cost).toContain('What was installed with the one');
    await clinic.type(remedy);
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it('is none where a version manager runs ours', async () => {
    const [program, ...args] = clinic.sandbox.pyrsiaCommand([]);
    const stub = directoryWith('pyrsia', `#!/bin/sh\nexec '${[program, ...args].join("' '")}' "$@"\n`);
    expect(await clinic.ids({ env: first(stub) })).toEqual([]);
  });
});

describe('A Node that is too old for a typed pyrsia', () => {
  it('is found, and put behind by the command that is named', async () => {
    const old = directoryWith('node', '#!/bin/sh\necho v18.19.1\n');
    const ours = join(clinic.sandbox.root, 'ours');
    mkdirSync(ours);
    symlinkSync(join(ROOT, 'bin', 'run.js'), join(ours, 'pyrsia'));
    const env = { PATH: [ours, old, clinic.sandbox.env['PATH']].join(delimiter) };
    const { title, remedy } = await clinic.finding('node-too-old', { env });
    expect(title).toContain(`${join(old, 'node')}, is 18.19.1; pyrsia needs ^22`);
    const { code, stdout } = await clinic.sandbox.run('sh', ['-c', remedy], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing is wrong\n' });
  });
});
