import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/doctor/checks.ts';
import { examine } from '../../src/doctor/examine.ts';
import { type Check, GROUPS } from '../../src/doctor/finding.ts';
import { openSession } from '../../src/session.ts';
import { type Clinic, openClinic } from '../doctor/clinic.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

let clinic: Clinic;
beforeEach(async () => {
  clinic = await openClinic();
});
afterEach(() => clinic[Symbol.asyncDispose]());

/** Two things that --fix can repair. */
function spoil(): void {
  mkdirSync(clinic.paths.runtime, { recursive: true });
  chmodSync(clinic.paths.runtime, 0o755);
  chmodSync(join(clinic.paths.runtime, '..'), 0o700);
  mkdirSync(clinic.paths.state, { recursive: true });
}

const doctor = (...args: string[]) => clinic.sandbox.pyrsia(['doctor', ...args]);
const onTerminal = (...args: string[]): Terminal =>
  openTerminal(clinic.sandbox.pyrsiaCommand(['doctor', ...args]), {
    cwd: clinic.sandbox.home,
    env: clinic.sandbox.env,
    columns: 200,
  });
const modeOf = (path: string) => statSync(path).mode & 0o777;

/** All there is, but for what every command of ours compiles. */
const files = () =>
  readdirSync(clinic.sandbox.root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.includes('pyrsia-compiled'))
    .toSorted((a, b) => a.localeCompare(b));

describe('A healthy home', () => {
  it('has no findings, starts no agent, and is left as it was', async () => {
    const before = files();
    expect(await doctor()).toMatchObject({ code: 0, stdout: 'Nothing is wrong\n', stderr: '' });
    expect(await doctor('--json')).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
    expect(await doctor('--fix', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Nothing is wrong\n',
      stderr: '',
    });
    expect(clinic.sandbox.processes()).toEqual([]);
    expect(files()).toEqual(before);
  });

  it('is told group by group on a terminal', async () => {
    await using terminal = onTerminal();
    expect(await terminal.ends()).toMatchObject({ code: 0 });
    for (const what of Object.values(GROUPS)) expect(terminal.screen).toContain(`Fine: ${what}\n`);
    expect(terminal.screen).toContain('Nothing is wrong\n');
  });

  it('stays one while an agent runs and has fetched', async () => {
    expect(await clinic.through(['npm', 'ping'])).toMatchObject({ code: 0 });
    expect(await clinic.ids()).toEqual([]);
  });
});

describe('--fix', () => {
  it('asks about each repair, says what it did, and looks again', async () => {
    spoil();
    await using terminal = onTerminal('--fix');
    await terminal.says(/is open to others.*Close .* to others\? \[y\/N\] /);
    terminal.write('y\r');
    await terminal.says(/pyrsia: Closed .* to others\n/);
    await terminal.says('Nothing is wrong\n');
    expect(await terminal.ends()).toMatchObject({ code: 0 });
    expect(modeOf(clinic.paths.runtime)).toBe(0o700);
  });

  it('leaves alone what is not agreed to', async () => {
    spoil();
    await using terminal = onTerminal('--fix');
    await terminal.says('[y/N] ');
    terminal.write('n\r');
    await terminal.says('1 thing is wrong; pyrsia doctor --fix can repair 1\n');
    expect(await terminal.ends()).toMatchObject({ code: 1 });
    expect(modeOf(clinic.paths.runtime)).toBe(0o755);
  });

  it('wants --yes where nobody can be asked, and changes nothing without', async () => {
    spoil();
    expect(await doctor('--fix')).toMatchObject({
      code: 2,
      stderr: 'pyrsia: Nothing was repaired: confirm on a terminal, or give --yes\n',
    });
    expect(modeOf(clinic.paths.runtime)).toBe(0o755);
    expect(await doctor('--yes')).toMatchObject({ code: 2, stdout: '' });
  });

  it('tells with --json what is left, and on stderr what was done', async () => {
    spoil();
    await clinic.registry.pause();
    const { code, stdout, stderr } = await doctor('--fix', '--yes', '--json');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `pyrsia: Closed ${clinic.paths.runtime} to others\n`,
    });
    expect(JSON.parse(stdout)).toMatchObject([{ id: 'upstream-unreachable', fixable: false }]);
  });
});

const nobody = () => Promise.reject(new Error('nobody may start one'));

const look = (checks: readonly Check[], timeoutMs = 60_000) => {
  const { sandbox, paths } = clinic;
  const { version, config, cwd } = openSession({ version: '1.0.0', root: '/', env: sandbox.env });
  return examine(
    { version, root: '/', env: sandbox.env, cwd, paths, config, agent: nobody },
    { checks, timeoutMs },
  );
};
const check = (name: string, looking: Check['look']): Check => ({ name, group: 'cache', look: looking });

describe('An examination', () => {
  it('goes on when a check breaks down at once or later, and says so', async () => {
    const { findings, sound } = await look([
      check('first', () => {
        throw new Error('broke down');
      }),
      check('second', () => Promise.reject(new Error('broke down later'))),
      check('third', () => []),
    ]);
    expect(findings.map(({ id, level, title }) => ({ id, level, title }))).toEqual([
      { id: 'check-failed', level: 'wrong', title: 'The check "first" could not be made: broke down' },
      { id: 'check-failed', level: 'wrong', title: 'The check "second" could not be made: broke down later' },
    ]);
    expect(sound).not.toContain('cache');
  });

  it('does not wait for a check that never ends', async () => {
    const { findings } = await look([check('endless', () => new Promise(() => {}))], 50);
    expect(findings.map(({ title }) => title)).toEqual([
      'The check "endless" could not be made: it took more than 50 ms',
    ]);
  });

  it('has every check in a group', () => {
    expect(new Set(CHECKS.map(({ group }) => group))).toEqual(new Set(Object.keys(GROUPS)));
  });
});
