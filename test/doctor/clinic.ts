/**
 * A healthy home with a registry, in which a test breaks one thing, has it found, and repairs it with the very
 * command that the finding names.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { Diagnosis } from '../../src/commands/doctor.ts';
import { type Paths, pathsOf } from '../../src/paths.ts';
import { openWorld, type World, type WorldOptions } from '../e2e/everyday-world.ts';
import type { Command, RunOptions } from '../support/command.ts';

/** An open clinic. */
export interface Clinic extends World {
  readonly paths: Paths;
  /** What the doctor finds. Its exit code agrees with that, and what it says for people tells the same. */
  findings(options?: Looking): Promise<Diagnosis[]>;
  /** The one finding of this kind, which has to be there. */
  finding(id: string, options?: Looking): Promise<Diagnosis>;
  /** What is found besides, by id. */
  ids(options?: Looking): Promise<string[]>;
  /** Types a command line; it has to succeed. `sudo` is left out, for whoever runs the tests. */
  type(line: string, options?: RunOptions): Promise<string>;
  /** Lets the doctor repair what it can; says what it said. */
  fix(options?: Looking): Promise<string>;
}

/** How it is looked. */
export interface Looking extends Pick<RunOptions, 'cwd' | 'env'> {
  /** What runs the doctor: a namespace, for instance. */
  readonly within?: (command: Command) => Command;
}

/** Opens a clinic. */
export async function openClinic(options: WorldOptions = {}): Promise<Clinic> {
  const world = await openWorld(options);
  const { sandbox } = world;
  // Whatever the disk of this machine is like, it is not what a test is about.
  expect(await sandbox.pyrsia(['config', 'set', 'cache.limit', '50MB'])).toMatchObject({ code: 0 });

  const doctor = (args: readonly string[], { within = (command) => command, ...rest }: Looking = {}) =>
    sandbox.start(within(sandbox.pyrsiaCommand(['doctor', ...args])), rest).result;

  const findings: Clinic['findings'] = async (looking) => {
    const { stdout, stderr, code } = await doctor(['--json'], looking);
    expect(stderr).toBe('');
    const found = JSON.parse(stdout) as Diagnosis[];
    expect(code, stdout).toBe(found.some(({ level }) => level === 'wrong') ? 1 : 0);
    for (const { id, title, cost, remedy } of found) {
      expect({ id, title, cost, remedy }).toEqual({
        id: expect.stringMatching(/^[a-z-]+$/),
        title: expect.stringMatching(/^[^]+[^.\n]$/),
        cost: expect.stringMatching(/^[^]+[^.\n]$/),
        remedy: expect.stringMatching(/^[^\n]+$/),
      });
    }
    return found;
  };

  return {
    ...world,
    paths: pathsOf(sandbox.env, 'linux'),
    findings,
    ids: async (looking) => (await findings(looking)).map(({ id }) => id),
    async finding(id, looking) {
      const found = await findings(looking);
      const those = found.filter((each) => each.id === id);
      expect(those, JSON.stringify(found, undefined, 1)).toHaveLength(1);
      const { stdout, code } = await doctor([], looking);
      const [{ title, cost, remedy, level } = those[0]!] = those;
      expect(timeless(stdout)).toContain(
        timeless(`${title} (${id})\n  cost    ${cost}\n  repair  ${remedy}\n`),
      );
      if (level === 'wrong') expect(code).toBe(1);
      return those[0]!;
    },
    async type(line, { env, ...rest } = {}) {
      const bin = join(sandbox.root, 'typed');
      mkdirSync(bin, { recursive: true });
      const [program, ...args] = sandbox.pyrsiaCommand([]);
      const script = `#!/bin/sh\nexec '${[program, ...args].join("' '")}' "$@"\n`;
      writeFileSync(join(bin, 'pyrsia'), script);
      chmodSync(bin, 0o755);
      chmodSync(join(bin, 'pyrsia'), 0o755);
      const path = [bin, env?.['PATH'] ?? sandbox.env['PATH']].join(delimiter);
      if (line.startsWith('sudo '))
        return execFileSync('sh', ['-c', line.slice('sudo '.length)], { encoding: 'utf8', stdio: 'pipe' });
      const { code, stdout, stderr } = await sandbox.run('sh', ['-c', line], {
        ...rest,
        env: { ...env, PATH: path },
      });
      expect({ line, code, stderr }).toMatchObject({ code: 0 });
      return stdout;
    },
    async fix(looking) {
      const { stderr } = await doctor(['--fix', '--yes'], looking);
      return stderr;
    },
  };
}

/** What two runs, one after the other, say alike. */
function timeless(text: string): string {
  return text.replaceAll(/\d+(?: min(?: \d+ s)?)?/g, '#');
}
