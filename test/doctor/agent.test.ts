import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAgent } from '../../src/control/client.ts';
import { keptPorts } from '../../src/control/ports.ts';
import { lookAtAgent } from '../../src/doctor/agent.ts';
import { agentsSeen } from '../../src/doctor/agents-seen.ts';
import type { Patient } from '../../src/doctor/patient.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import { processesOf } from '../support/processes.ts';
import { type Clinic, openClinic } from './clinic.ts';

let clinic: Clinic;
beforeEach(async () => {
  clinic = await openClinic();
});
afterEach(() => clinic[Symbol.asyncDispose]());

const pidOf = async () => (await clinic.status()).pid!;
const isGone = (pid: number) => !processesOf(clinic.sandbox.root).some((each) => each.pid === pid);

/** Stops the agent where it stands: it still listens, and says nothing. */
async function hang(): Promise<number> {
  expect(await clinic.through(['true'])).toMatchObject({ code: 0 });
  const pid = await pidOf();
  process.kill(pid, 'SIGSTOP');
  return pid;
}

/** Starts an agent of another version, as that version would. */
async function startOther(): Promise<number> {
  const { sandbox, paths } = clinic;
  const entry = join(sandbox.root, 'agent.ts');
  const fixture = JSON.stringify(join(import.meta.dirname, '../fixtures/agent.ts'));
  writeFileSync(entry, `import { liveAs } from ${fixture};\nawait liveAs('0.0.9');`);
  await using agent = await connectAgent(paths, { version: '0.0.9', start: { entry, env: sandbox.env } });
  return agent!.hello.pid;
}

describe('An agent that does not answer', () => {
  it('is found, with its process, and ended by the command that is named', async () => {
    const pid = await hang();
    const { title, remedy, fixable } = await clinic.finding('agent-silent');
    expect(title).toContain(`(process ${pid})`);
    expect({ remedy, fixable }).toEqual({ remedy: `kill -KILL ${pid}`, fixable: true });
    await clinic.type(remedy);
    await expect.poll(() => isGone(pid)).toBe(true);
    expect(await clinic.ids()).not.toContain('agent-silent');
    expect(await clinic.through(['true'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('is ended by --fix', async () => {
    const pid = await hang();
    expect(await clinic.fix()).toBe(`pyrsia: Ended the agent (process ${pid})\n`);
    expect(await clinic.ids()).not.toContain('agent-silent');
    expect(isGone(pid)).toBe(true);
  });

  it('is left alone when it answers again before it is ended', async () => {
    const pid = await hang();
    const seen = await agentsSeen(clinic.paths.runtime, AbortSignal.timeout(60_000));
    const [found] = await lookAtAgent({ agents: () => Promise.resolve(seen) } as Patient);
    expect(found).toMatchObject({ id: 'agent-silent' });
    process.kill(pid, 'SIGCONT');
    expect(await pidOf()).toBe(pid);
    expect(await found!.fix!.run()).toBe('The agent answers again, or has ended by itself');
    expect(isGone(pid)).toBe(false);
  });
});

/** Kills the agent, and with it or not what ran through it. */
async function kill(launch: boolean): Promise<void> {
  const staying = await clinic.stay();
  const pid = await pidOf();
  process.kill(pid, 'SIGKILL');
  if (launch) staying.running.kill();
  await expect.poll(() => isGone(pid)).toBe(true);
  if (launch) await staying.running.result;
}

describe('What a killed agent leaves', () => {
  it('is a note that fails no script, and is removed by the command that is named', async () => {
    await kill(true);
    const { level, title, remedy } = await clinic.finding('agent-leftovers');
    expect({ level, remedy }).toEqual({ level: 'note', remedy: 'pyrsia doctor --fix' });
    expect(title).toContain(`nobody listens at ${join(clinic.paths.runtime, 'agent.sock')}, `);
    expect(title).toMatch(/, [2-9] files of launches that are over are left$/);
    await clinic.type(`${remedy} --yes`);
    expect(await clinic.ids()).toEqual([]);
    expect(readdirSync(join(clinic.paths.runtime, 'launch'))).toEqual([]);
  });

  it('does not count what still runs', async () => {
    await kill(false);
    const { title } = await clinic.finding('agent-leftovers');
    expect(title).not.toContain('launches');
    expect(await clinic.fix()).toBe(`pyrsia: Removed ${join(clinic.paths.runtime, 'agent.sock')}\n`);
    expect(readdirSync(join(clinic.paths.runtime, 'launch'))).not.toEqual([]);
  });
});

describe('An agent of another version', () => {
  it('is found, and ended by the command that is named', async () => {
    const pid = await startOther();
    const { title, remedy } = await clinic.finding('agent-version');
    expect(title).toMatch(
      new RegExp(String.raw`^The agent \(process ${pid}\) is pyrsia 0\.0\.9, this is \d`),
    );
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('is ended by --fix', async () => {
    const pid = await startOther();
    expect(await clinic.fix()).toBe(`pyrsia: Ended the agent (process ${pid})\n`);
    expect(await clinic.ids()).toEqual([]);
  });
});

describe('Two agents with one cache', () => {
  it('are found at the one that may not write it, and the other one is named', async () => {
    const { sandbox } = clinic;
    const other = { XDG_STATE_HOME: join(sandbox.root, 'other-state') };
    expect(await sandbox.pyrsia(['exec', '--', 'true'], { env: other })).toMatchObject({ code: 0 });
    const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json'], { env: other });
    const { pid } = JSON.parse(stdout) as { pid: number };
    await clinic.through(['true']);

    const { title, remedy } = await clinic.finding('agent-keeps-nothing');
    expect(title).toContain(`another agent writes this cache (process ${pid})`);
    expect(remedy).toBe(`kill ${pid} && pyrsia agent stop`);
    await clinic.type(remedy);
    await expect.poll(() => isGone(pid)).toBe(true);
    expect(await clinic.through(['true'])).toMatchObject({ code: 0 });
    expect(await clinic.ids()).toEqual([]);
  });
});

describe.skipIf(!canUnshareNetwork())('An agent in another network namespace', () => {
  it('is found, and ended by the command that is named', async () => {
    const { sandbox } = clinic;
    const inside = inNamespaceWithoutNetwork(sandbox.pyrsiaCommand(['exec', '--', 'true']));
    expect(await sandbox.start(inside).result).toMatchObject({ code: 0 });
    const { title, remedy } = await clinic.finding('agent-elsewhere');
    expect(title).toMatch(/serves network namespace \d+, this is \d+$/);
    await clinic.type(remedy);
    await expect.poll(() => sandbox.processes()).toEqual([]);
    expect(await clinic.ids()).toEqual([]);
  });
});

describe('A port that somebody else has', () => {
  let somebody: Server;
  let port: number;
  beforeEach(async () => {
    somebody = createServer().listen(0, '127.0.0.1');
    await once(somebody, 'listening');
    ({ port } = somebody.address() as AddressInfo);
  });
  afterEach(() => somebody.close());

  it('and that is kept for a registry is found, with who has it, and is forgotten by --fix', async () => {
    const { registry, paths } = clinic;
    keptPorts(paths.state, () => {}).keep(registry.url, port);
    const { title, remedy } = await clinic.finding('port-taken');
    expect(title).toMatch(
      new RegExp(
        `^Port ${port}, which is kept for ${registry.url}, is taken by process ${process.pid} \\(.+\\)$`,
      ),
    );
    await clinic.type(`${remedy} --yes`);
    expect(await clinic.ids()).toEqual([]);
    expect(keptPorts(paths.state, () => {}).list()).toEqual([]);
  });

  it('and that proxy.port names is found, and given up by the command that is named', async () => {
    await clinic.type(`pyrsia config set proxy.port ${port}`);
    const { remedy } = await clinic.finding('configured-port-taken');
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('is no finding when it is our own agent', async () => {
    const { dir: cwd } = await clinic.sandbox.project({ lockfile: 'none' });
    expect(await clinic.through(['npm', 'ping'], { cwd })).toMatchObject({ code: 0 });
    expect(keptPorts(clinic.paths.state, () => {}).list()).toHaveLength(1);
    expect(await clinic.ids()).toEqual([]);
  });
});
