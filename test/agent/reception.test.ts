import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReception, type Reception } from '../../src/agent/reception.ts';
import { type Accounts, openAccounts } from '../../src/agent/accounts.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { lastReceipt } from '../../src/resolve/kept-receipts.ts';
import { openReporter } from '../../src/resolve/reporter.ts';
import { companionFile, type Launch, launchFile, writeLaunch } from '../../src/shims/launch.ts';

let directory: string;
let accounts: Accounts;
let reception: Reception;
let planned: Launch[];
let answered: string[];
let opened: { readonly launch: Launch; readonly over: AbortSignal } | undefined;
/** When a tool that waits for an answer may start. */
let mayStart: Promise<void> | undefined;
/** What is found out for a launch. */
let plan: (launch: Launch) => Promise<Plan>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-reception-'));
  [planned, answered] = [[], []];
  mayStart = undefined;
  plan = async (launch) => planFor(launch);
  accounts = openAccounts({ state: join(directory, 'state'), settled: async () => {}, log: () => {} });
  reception = openReception({
    directory,
    accounts,
    plan: async (launch) => {
      planned.push(launch);
      return plan(launch);
    },
    pathOf: (name, file) => companionFile(directory, name, file),
    opened(launch, _plan, over) {
      opened = { launch, over };
      return mayStart;
    },
    answered: ({ id }) => answered.push(id),
    ended: () => {},
    log: () => {},
  });
});
afterEach(async () => {
  reception.close();
  await accounts.closed();
  rmSync(directory, { recursive: true });
});

function planFor({ name, tool }: Launch): Plan {
  const about = { launch: name, command: [tool], cwd: '/', startedAt: 1, policy: 'observe' } as const;
  const reporter = openReporter(about);
  const session = { reporter, askers: new Map(), receipt: (endedAt?: number) => reporter.receipt(endedAt) };
  const settings = {
    upstreams: [],
    connection: { strictSsl: true },
    globalConfig: '',
    sources: [],
    lockedHosts: [],
  };
  const filling = { how: 'link', limit: 0 } as const;
  const own = { session, settings, filling, notes: [], askerFor: () => undefined };
  return { ...own, redirection: { env: { A: 'b' }, files: { config: 'x' } } };
}

const write = (pid = process.pid) =>
  writeLaunch(directory, { pid, cwd: '/', tool: 'npm', executable: '/npm', args: [], env: {} });

describe('a launch', () => {
  it('is planned once, however many ask for it in whatever way', async () => {
    const going = Promise.withResolvers<void>();
    plan = async (launch) => going.promise.then(() => planFor(launch));
    const { id, name } = write();
    const asked = [reception.session(id), reception.answer(id), reception.session(id)];
    await expect.poll(() => planned.length).toBe(1);
    going.resolve();
    const [first, answer, second] = await Promise.all(asked);
    expect(second).toBe(first);
    expect(answer).toEqual({ redirection: { env: { A: 'b' }, args: [] }, notes: [] });
    expect(readdirSync(join(directory, 'launch')).toSorted()).toEqual([id, `${name}.config`].toSorted());
    expect(await reception.session(id)).toBe(first);
    expect(planned).toHaveLength(1);
    await expect.poll(() => answered).toEqual([id]);
  });

  it('that nobody told of is planned before its tool asks for anything', async () => {
    const { id } = write();
    await expect.poll(() => planned.map((each) => each.id), { timeout: 10_000 }).toEqual([id]);
    expect(reception.running()).toBe(1);
    expect(answered).toEqual([]);
  });

  it('is known to whoever has something to do for it, until it is over', async () => {
    const { id } = write();
    await reception.answer(id);
    expect(opened).toMatchObject({ launch: { id }, over: { aborted: false } });
    await reception.end(id);
    expect(opened!.over.aborted).toBe(true);
  });

  it('that is unknown costs nothing and is nobody’s', async () => {
    expect(await reception.session(randomUUID())).toBeUndefined();
    expect(await reception.session('../agent.lock')).toBeUndefined();
    await expect(reception.answer(randomUUID())).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    expect({ planned, running: reception.running() }).toEqual({ planned: [], running: 0 });
  });

  it('that cannot be served is told why, each time', async () => {
    plan = () => Promise.reject(new PyrsiaError('CONFIG_INVALID', { problems: ['spoilt'] }));
    const { id } = write();
    await expect(reception.answer(id)).rejects.toThrow('spoilt');
    await expect(reception.session(id)).rejects.toThrow('spoilt');
    expect(planned).toHaveLength(1);
    await expect(reception.end(id)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    expect(reception.running()).toBe(0);
  });

  it('whose process ends while its settings are read leaves nothing', async () => {
    const going = Promise.withResolvers<void>();
    plan = async (launch) => going.promise.then(() => planFor(launch));
    const tool = spawn('sleep', ['60']);
    const { id } = write(tool.pid);
    const answer = reception.answer(id);
    const session = reception.session(id);
    tool.kill('SIGKILL');
    await once(tool, 'exit');
    reception.look();
    going.resolve();
    await expect(answer).rejects.toThrow(`process ${tool.pid} of the launch has ended`);
    await expect(session).rejects.toThrow('has ended');
    expect(readdirSync(join(directory, 'launch'))).toEqual([]);
    expect(await accounts.close(id)).toBeUndefined();
  });

  it('is held back, and nobody else who asks for it, until its tool may start', async () => {
    const start = Promise.withResolvers<void>();
    mayStart = start.promise;
    const { id } = write();
    let isAnswered = false;
    const answer = reception.answer(id).finally(() => (isAnswered = true));
    await reception.session(id);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    start.resolve();
    expect(await answer).toMatchObject({ redirection: { env: { A: 'b' } } });
  });

  it('whose process ends while it is held back leaves nothing', async () => {
    const start = Promise.withResolvers<void>();
    mayStart = start.promise;
    const tool = spawn('sleep', ['60']);
    const { id } = write(tool.pid);
    const answer = reception.answer(id);
    await expect.poll(() => opened?.launch.id).toBe(id);
    tool.kill('SIGKILL');
    await once(tool, 'exit');
    reception.look();
    start.resolve();
    await expect(answer).rejects.toThrow(`process ${tool.pid} of the launch has ended`);
    expect(readdirSync(join(directory, 'launch'))).toEqual([]);
  });

  it('keeps its receipt when its process is gone, as soon as somebody looks', async () => {
    const tool = spawn('sleep', ['60']);
    const { id } = write(tool.pid);
    (await reception.session(id))!.reporter.document('stale');
    tool.kill('SIGKILL');
    await once(tool, 'exit');
    reception.look();
    await accounts.closed();
    expect(lastReceipt({ state: join(directory, 'state') })).toMatchObject({ command: ['npm'] });
    expect(await reception.session(id)).toBeUndefined();
  });

  it('leaves no receipt where it was part of another command', async () => {
    const { id } = write();
    (await reception.session(id))!.reporter.document('stale');
    expect((await reception.end(id, false)).documents.stale).toBe(1);
    expect(lastReceipt({ state: join(directory, 'state') })).toBeUndefined();
  });

  it('ends with its connection, unless it stays', async () => {
    const connection = new AbortController();
    const [leaving, staying] = [write(), write()];
    await reception.answer(leaving.id, connection.signal);
    await reception.answer(staying.id);
    connection.abort();
    expect(await reception.session(leaving.id)).toBeUndefined();
    expect(await reception.session(staying.id)).toBeDefined();
    expect(await reception.end(staying.id)).toMatchObject({ command: ['npm'] });
  });

  it('is nobody’s as soon as its file is gone', async () => {
    const { id } = write();
    await reception.session(id);
    rmSync(launchFile(directory, id));
    expect(await reception.session(id)).toBeUndefined();
  });
});
