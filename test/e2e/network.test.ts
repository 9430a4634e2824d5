/**
 * A network as its users make one, by commands alone: four authorities, a file that makes them a network, a client that joins it,
 * submits what it uses, and installs it by what they have seen, also when nobody is there any more.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explained } from '../../src/commands/why.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import type { Running } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openWorld, type World } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Authority {
  readonly directory: string;
  readonly port: number;
  running?: Running;
}

describe('A network', { timeout: 120_000 }, () => {
  let operator: Sandbox;
  let world: World;
  let one: Package;
  let other: Package;
  /** Submitted by nobody's command. */
  let fetched: Package;
  const authorities: Authority[] = [];
  /** Runs a command of the operator's. */
  const pyrsia = async (...args: string[]) => operator.pyrsia(args, { cwd: operator.home });
  const keyFile = ['--key-file', './passphrase'];

  beforeAll(async () => {
    one = await makePackage({ name: 'one', version: '1.0.0' });
    other = await makePackage({ name: 'other', version: '1.0.0' });
    const late = await makePackage({ name: 'late', version: '1.0.0' });
    fetched = await makePackage({ name: 'fetched', version: '1.0.0' });
    world = await openWorld({ packages: [one, other, late, fetched] });
    operator = openSandbox();
  }, 60_000);
  afterAll(async () => {
    for (const { running } of authorities) running?.kill('SIGKILL');
    await operator[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it('is made of authorities, each with its own keys, by one file', async () => {
    for (const i of [1, 2, 3, 4]) {
      const port = await freePort();
      const directory = `./authority-${i}`;
      const names = ['--organisation', `org${i}.example`, '--url', `http://127.0.0.1:${port}/`];
      const upstream = ['--upstream', `npm=${world.registry.url}`];
      expect(await pyrsia('authority', 'init', directory, ...names, ...upstream, ...keyFile)).toMatchObject({
        code: 0,
      });
      authorities.push({ directory, port });
    }
    const cards = authorities.map(({ directory }) => `${directory}/card`);
    expect(await pyrsia('network', 'create', 'net.example', ...cards)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^must cosign +3 of 4: org1\.example, /m),
    });
    for (const authority of authorities) {
      const start = ['node', 'start', authority.directory, '--role', 'authority', ...keyFile];
      const where = ['--network', './net.example.policy', '--listen', `127.0.0.1:${authority.port}`];
      authority.running = operator.start(operator.pyrsiaCommand([...start, ...where]), {
        cwd: operator.home,
      });
    }
    for (const { port } of authorities)
      await expect
        .poll(async () => (await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined))?.status, {
          timeout: 20_000,
        })
        .toBe(200);
  });

  it('looks at what a client submits: as many fetch it as have to agree', async () => {
    const policy = join(operator.home, 'net.example.policy');
    expect(await world.sandbox.pyrsia(['network', 'join', policy])).toMatchObject({ code: 0 });
    world.registry.log.clear();
    const { code, stdout, stderr } = await world.sandbox.pyrsia(['log', 'submit', 'npm:one@1.0.0']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^kind +observe$/m);
    expect(stdout).toContain(sha256(one.tarball));
    expect(world.registry.log.all.filter(({ path }) => path.endsWith('.tgz'))).toHaveLength(3);
  });

  it('is believed by the client’s installs, which say what it knows', async () => {
    const project = await world.sandbox.project(lockedTo(world.registry, [one, other]));
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 verified · 1 in the log'),
    });
    const [explained] = await world.json<readonly Explained[]>(['why', 'npm:one@1.0.0']);
    expect(explained?.log).toMatchObject({ says: 'logged', entry: 0, upstream: 'npm' });
    expect(explained?.log?.observers).toHaveLength(3);
    const { proof = '' } = explained?.log ?? {};
    const entry = proof.replace('.tlog-proof', '.entry');
    const policy = join(operator.home, 'net.example.policy');
    const verify = ['log', 'verify', proof, '--entry', entry, '--policy', policy];
    expect(await world.sandbox.pyrsia(verify)).toMatchObject({ code: 0 });
  });

  it('looks by itself at what the client’s commands fetch and it does not know, once that is switched on', async () => {
    const { sandbox, registry } = world;
    await sandbox.pyrsia(['config', 'set', 'log.submit', 'on']);
    const { dir } = await sandbox.project(lockedTo(registry, [one, fetched]));
    registry.log.clear();
    expect(await world.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 in the log · 1 submitted to it'),
    });
    await expect
      .poll(async () => (await sandbox.pyrsia(['log', 'search', 'fetched', '--fields', 'kind'])).stdout, {
        timeout: 20_000,
      })
      .toContain('observe');
    // The client's own, and three authorities'.
    expect(registry.log.all.filter(({ path }) => path.includes('/fetched-1.0.0.tgz'))).toHaveLength(4);
    await sandbox.pyrsia(['config', 'set', 'log.submit', 'off']);
  });

  it('goes on with three of them, and not with two', async () => {
    const [, , third, fourth] = authorities;
    await stop(fourth!);
    const submitted = await world.sandbox.pyrsia(['log', 'submit', 'npm:other@1.0.0']);
    expect([submitted.code, submitted.stderr]).toEqual([0, '']);
    await stop(third!);
    const { code, stderr } = await world.sandbox.pyrsia(['log', 'submit', 'npm:late@1.0.0']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('too few authorities could look at it')]);
  });

  it('is not needed for what is here: its authorities and the registry may be gone', async () => {
    await world.sandbox.pyrsia(['log', 'sync']);
    const project = await world.sandbox.project(lockedTo(world.registry, [one]));
    for (const authority of authorities) await stop(authority);
    await world.registry.close();
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 in the log'),
    });
    const { stdout } = await world.sandbox.pyrsia(['log', 'tail'], { env: { PYRSIA_OFFLINE: '1' } });
    expect(stdout).toContain('pkg:npm/other@1.0.0');
  });
});

async function stop(authority: Authority): Promise<void> {
  authority.running?.kill('SIGINT');
  await authority.running?.result;
  delete authority.running;
}
