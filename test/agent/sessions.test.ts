import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNews } from '../../src/agent/news.ts';
import { answerTo, openSession, plan, type SessionParts } from '../../src/agent/sessions.ts';
import type { ReportLine } from '../../src/resolve/report.ts';
import type { ToolSettings, UpstreamSettings } from '../../src/shims/settings.ts';
import { plain } from '../support/plain-ecosystem.ts';

const launch = {
  id: '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11',
  name: '5d1f6a6e-4c0b-4f0e-8d0e-7a1f2b3c4d5e',
  pid: 1,
  cwd: '/',
  tool: 'plain',
  executable: '/bin/plain',
  args: ['get', 'apple'],
  env: {} as Record<string, string>,
};
const shipped: UpstreamSettings = { url: 'https://public.example/', shipped: true };
const corp: UpstreamSettings = { url: 'https://corp.example/', shipped: false };

let directory: string;
let settings: ToolSettings;
let parts: SessionParts;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-sessions-'));
  launch.env = { XDG_CONFIG_HOME: directory };
  settings = {
    upstreams: [shipped],
    connection: { strictSsl: true },
    globalConfig: 'theirs=kept',
    sources: [],
    lockedHosts: [],
  };
  parts = {
    readSettings: async () => settings,
    base: async ({ url }) => `http://127.0.0.1:4873/${url.host}/`,
    pathOf: (name, file) => join(directory, `${name}.${file}`),
    artifactHost: () => undefined,
    readOnlyBecause: () => undefined,
    news: openNews(),
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const leading = async (...upstreams: UpstreamSettings[]) => {
  settings = { ...settings, upstreams };
  const planned = await plan(parts, plain, plain.tools[0]!, launch);
  return { session: planned.session, answer: answerTo(launch, planned, parts) };
};
const configure = (config: Record<string, unknown>): void => {
  mkdirSync(join(directory, 'pyrsia'));
  writeFileSync(join(directory, 'pyrsia', 'config.json'), JSON.stringify(config));
};
const asked = async (...upstreams: UpstreamSettings[]) => {
  settings = { ...settings, upstreams };
  const { session } = await openSession(parts, plain, { ...launch, command: ['plain'] });
  return [...session.askers.values()].map(({ upstream }) => upstream);
};

describe('a launch', () => {
  it('is led to us by a file with its credential, for the user only', async () => {
    const { answer, session } = await leading(shipped);
    expect(answer.redirection?.env['PLAIN_REGISTRY']).toBe('http://127.0.0.1:4873/public.example/');
    const file = answer.redirection!.env['PLAIN_CONFIG']!;
    expect(readFileSync(file, 'utf8')).toBe(`theirs=kept\ntoken=${launch.id}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.stringify([answer, session.receipt(1)])).not.toContain(`token=${launch.id}`);
  });

  it('writes over no file that lies there already', async () => {
    writeFileSync(parts.pathOf(launch.name, 'config'), 'planted');
    await expect(leading(shipped)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it.each([
    ['credentials', { ...corp, authorization: 'Bearer mine' }],
    ['a client certificate', { ...corp, unsupported: 'a client certificate' }],
  ])('is not led to us where its registry needs %s, and says so', async (what, registry) => {
    const { answer, session } = await leading(registry);
    const notes = [expect.stringContaining(`this project's registry corp.example needs ${what}`)];
    expect(answer).toEqual({ notes });
    expect(session.askers.size).toBe(0);
    expect(session.receipt(1).notes).toEqual(notes);
  });

  it('is led to us for the rest where a scope’s registry needs credentials', async () => {
    const scoped = { ...corp, scope: '@corp', authorization: 'Bearer mine' };
    const { answer, session } = await leading(shipped, scoped);
    expect(answer.redirection).toBeDefined();
    expect(answer.notes).toEqual([
      expect.stringContaining("@corp's registry corp.example needs credentials"),
    ]);
    expect([...session.askers.keys()]).toEqual([shipped.url]);
  });

  it('asks for what its own user’s configuration asks for, whoever started the agent', async () => {
    configure({ policy: 'locked' });
    expect((await leading(shipped)).session.receipt(1).policy).toBe('locked');
  });

  it('says what is wrong with the configuration once, and again when that was changed', async () => {
    const file = join(directory, 'pyrsia', 'config.json');
    configure({ policy: 'lax' });
    const problem = expect.stringContaining('"lax" is ignored') as unknown;
    const { answer, session } = await leading(shipped);
    expect([answer.notes, session.receipt().notes]).toEqual([[problem], [problem]]);
    const again = await plan(parts, plain, plain.tools[0]!, launch);
    expect([again.notes, again.session.receipt().notes]).toEqual([[], [problem]]);
    utimesSync(file, 1, 1);
    expect((await plan(parts, plain, plain.tools[0]!, launch)).notes).toEqual([problem]);
  });

  it('says why nothing is stored, once there is something that would have been', async () => {
    parts = { ...parts, readOnlyBecause: () => 'the disk is full' };
    const { answer, session } = await leading(shipped);
    expect(answer.notes).toEqual([]);
    const line: ReportLine = {
      purl: 'pkg:npm/left@1.0.0',
      outcome: 'delivered',
      source: 'cache',
      via: 'response',
      word: 'declared',
      by: 'the registry',
      rung: 'registry digest',
      upstream: 'npm',
      private: false,
      ms: 1,
      at: 1,
    };
    await session.reporter.add(line);
    expect(session.receipt().notes).toEqual([]);
    await session.reporter.add({ ...line, source: 'upstream' });
    expect(session.receipt().notes).toEqual(['nothing is stored: the disk is full']);
  });
});

describe('a registry', () => {
  it('is public when the tool ships it or the user says so, and private otherwise', async () => {
    expect(await asked(shipped, corp)).toMatchObject([
      { public: true, name: 'npm' },
      { public: false, name: corp.url },
    ]);
    configure({ 'npm.public': corp.url });
    expect(await asked(corp)).toMatchObject([{ public: true, name: 'npm' }]);
  });

  it('is another one where the project says who may answer in its place', async () => {
    configure({ 'npm.public': corp.url });
    settings = { ...settings, ownTrust: true };
    const [first, second] = await asked(shipped, corp);
    for (const { url, name, public: isPublic } of [first!, second!])
      expect({ isPublic, name }).toEqual({ isPublic: false, name: url.href });
    expect(first!.name).toMatch(/^https:\/\/public\.example\/#[0-9a-f]{16}$/);
    settings = { ...settings, connection: { strictSsl: false } };
    expect((await asked(shipped))[0]!.name).not.toBe(first!.name);
  });

  it('to which its tool proves who its user is is private, for each id another one, and for that tool alone', async () => {
    const proof = { byPassword: true, headers: [] };
    const [one, other] = ['one', 'other'].map((scope) => ({ ...shipped, scope, proof }));
    const upstreams = await asked(one!, other!);
    expect(upstreams.map((each) => each.public)).toEqual([false, false]);
    expect(new Set(upstreams.map(({ url }) => url.href)).size).toBe(2);
    expect(upstreams.map(({ name, url }) => name === url.href && name !== shipped.url)).toEqual([true, true]);
    const { answer } = await leading(shipped, { ...one!, scope: '@one' });
    expect(answer.notes).toEqual([]);
    // Where nothing is proven it is only that nothing of ours can be shown.
    expect(await asked({ ...one!, proof: { byPassword: false, headers: [] } })).toMatchObject([
      { public: true },
    ]);
    const { tool: _, ...command } = launch;
    const { session } = await openSession(parts, plain, { ...command, command: ['pyrsia', 'pull'] });
    expect(session.askers.size).toBe(0);
  });

  it('of a scope that only the tool may ask is not replaced by the default one', async () => {
    const scoped = { ...corp, scope: '@corp', authorization: 'Bearer mine' };
    settings = { ...settings, upstreams: [shipped, scoped] };
    const { askerFor } = await openSession(parts, plain, { ...launch, command: ['plain'] });
    expect(askerFor('@corp')).toBeUndefined();
    for (const scope of ['@other', undefined])
      expect(askerFor(scope)?.upstream).toMatchObject({ name: 'npm' });
  });

  it('that is public is asked with the user’s credential at hand, that is private not at all', async () => {
    settings = {
      ...settings,
      upstreams: [shipped, corp].map((each) => ({ ...each, authorization: 'Bearer mine' })),
    };
    const { session } = await openSession(parts, plain, { ...launch, command: ['plain'] });
    expect([...session.askers.values()]).toMatchObject([
      { upstream: { public: true }, authorization: 'Bearer mine' },
    ]);
  });
});
