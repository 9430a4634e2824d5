/**
 * `npm run network`, with real packages from the registry that npm is configured with here: all of it, what it leaves for Go's own
 * log reader, and what it leaves behind.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { formatVerifierKey } from '../../src/log/keys.ts';
import { readNetwork } from '../../src/trust/network-of.ts';
import { blocks } from '../docs/markdown.ts';
import { type Command, type Running, start } from '../support/command.ts';
import { has } from '../support/image-registry.ts';
import { isRunning, processesOf } from '../support/processes.ts';
import { asUser, unprivileged, type User } from '../support/user.ts';

/** The lines that docs/network.md shows. */
const [everything = '', once = '', verify = ''] = blocks('docs/network.md', 'sh').map((each) => each.trim());
const ordinary = unprivileged();
const mayMakeNamespaces = spawnSync('ip', ['netns', 'add', 'pyrsia-0-try']).status === 0;
spawnSync('ip', ['netns', 'delete', 'pyrsia-0-try']);

const root = mkdtempSync(join(tmpdir(), 'tried-'));
const temporary = join(root, 'tmp');

beforeAll(() => {
  for (const folder of [temporary, join(root, 'home')]) {
    mkdirSync(folder);
    chmodSync(folder, 0o777);
  }
  chmodSync(root, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Starts a line of the page; without its build, which would take the program away from the other tests. */
function network(line: string, user?: User): Running {
  const [build, script = ''] = packageJson.scripts.network.split(' && ');
  expect([build, line]).toEqual(['npm run --silent build', expect.stringMatching(/^npm run network\b/)]);
  const command: Command = ['sh', '-c', script + line.replace(/^npm run network(?: --)?/, '')];
  const env = {
    ...process.env,
    TMPDIR: temporary,
    INIT_CWD: root,
    // npm's own, of which it leaves files in the temporary directory.
    NODE_DISABLE_COMPILE_CACHE: '1',
    ...(user && { HOME: join(root, 'home') }),
  };
  return start(user ? asUser(user, command) : command, { env, timeoutMs: 240_000 });
}

/** What is left of a network: processes, namespaces, files. */
function left(): readonly string[] {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  const mine = (stdout ?? '').split('\n').filter((line) => line.startsWith('pyrsia-'));
  const alive = mine.filter((line) => !isRunning(Number(/\d+/.exec(line)?.[0])));
  return [...processesOf(temporary).map(({ command }) => command), ...alive, ...readdirSync(temporary)];
}

describe.skipIf(!mayMakeNamespaces)('npm run network', { timeout: 300_000 }, () => {
  it('installs by what three of four have seen, with every way cut, and shows what one sees that lies', async () => {
    const { code, stdout, stderr } = await network(everything).result;
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('a network namespace each');
    const fetched = [...stdout.matchAll(/^(\w+) has fetched ([\d.]+) kB from its registry$/gm)];
    expect(fetched.map(([, name]) => name)).toEqual(['one', 'two', 'three', 'four']);
    expect(stderr).toMatch(/6 packages · 6 cache · .*6 in the log/);
    expect(stdout).toMatch(/^proven +all 12 entries$/m);
    const [, seen = '', others = ''] =
      /dispute +pkg:npm\/left-pad@1\.2\.0 +(\w{12}) (\w{12}) /.exec(stdout) ?? [];
    expect(others).not.toBe(seen);
    expect(stdout).toMatch(new RegExp(`observe +pkg:npm/left-pad@1\\.2\\.0 +${seen} `));
    expect(stdout).toMatch(/^evidence +published by the log: observed; logged in entry 12 /m);
    expect(stderr).toContain('1 of 4 known witnesses have cosigned it, fewer than the policy asks for');
    expect(stdout.slice(stdout.lastIndexOf('log tail'))).toContain('dispute  pkg:npm/left-pad@1.2.0');
    expect(left()).toEqual([]);
  });

  it.skipIf(!has('go'))('leaves a log that Go’s own tools read, and ours', async () => {
    const { code, stderr } = await network(once).result;
    expect(code, stderr).toBe(0);
    const tried = join(root, 'tried');
    const policy = readFileSync(join(tried, 'network.policy'));
    const witnesses = [...readNetwork(policy, 'it').policy.witnesses.values()];
    const keys = witnesses.map(({ verifier }) => formatVerifierKey(verifier));
    const cosigned = readFileSync(join(tried, 'log', 'checkpoint'), 'utf8');
    const read = spawnSync(
      'go',
      [
        'run',
        '.',
        join(tried, 'log'),
        readFileSync(join(tried, 'log.vkey'), 'utf8').trim(),
        ...keys.filter((key) => cosigned.includes(`— ${key.slice(0, key.indexOf('+'))} `)),
      ],
      { cwd: join('test', 'interop', 'read-log'), encoding: 'utf8' },
    );
    expect([read.status, read.stderr]).toEqual([0, '']);
    expect(JSON.parse(read.stdout)).toMatchObject({
      checkpoints: 1,
      signatures: 4,
      entries: 12,
      inclusions: 12,
    });

    const [program, ...args] = verify.split(' ');
    expect(program).toBe('pyrsia');
    const pyrsia = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
    const ours = spawnSync(process.execPath, [pyrsia, ...args], { cwd: root, encoding: 'utf8' });
    expect([ours.status, ours.stdout]).toEqual([0, expect.stringMatching(/^proven +all 12 entries$/m)]);
    expect(left()).toEqual([]);
  });
});

/** Starts one, and interrupts it while the client submits. */
async function interrupted(user?: User): Promise<{ code: number | null; stdout: string }> {
  const running = network(once, user);
  await expect
    .poll(() => processesOf(temporary).some(({ command }) => /log submit/.test(command)), {
      timeout: 120_000,
      interval: 100,
    })
    .toBe(true);
  await sleep(200);
  running.kill('SIGINT');
  return running.result;
}

describe('npm run network, interrupted', { timeout: 300_000 }, () => {
  it.skipIf(!mayMakeNamespaces)('leaves nothing', async () => {
    expect(await interrupted()).toMatchObject({ code: 130 });
    expect(left()).toEqual([]);
  });

  it.skipIf(!ordinary.possible)(
    'leaves nothing of an ordinary user, who gets addresses of the loopback device',
    async () => {
      const { code, stdout } = await interrupted(ordinary.possible ? ordinary.user : undefined);
      expect([code, stdout]).toEqual([
        130,
        expect.stringContaining('addresses of the loopback device, since'),
      ]);
      expect(left()).toEqual([]);
    },
  );
});
