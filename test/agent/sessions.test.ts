import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lead, openSession, type SessionParts } from '../../src/agent/sessions.ts';
import { pathsOf } from '../../src/paths.ts';
import type { ToolSettings, UpstreamSettings } from '../../src/shims/settings.ts';
import { plain } from '../support/plain-ecosystem.ts';

const launch = {
  id: '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11',
  pid: 1,
  cwd: '/',
  tool: 'plain',
  executable: '/bin/plain',
  args: ['get', 'apple'],
  env: {},
};
const shipped: UpstreamSettings = { url: 'https://public.example/', shipped: true };
const corp: UpstreamSettings = { url: 'https://corp.example/', shipped: false };

let directory: string;
let settings: ToolSettings;
let parts: SessionParts;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-sessions-'));
  settings = {
    upstreams: [shipped],
    connection: { strictSsl: true },
    globalConfig: 'theirs=kept',
    lockedHosts: [],
  };
  parts = {
    paths: { ...pathsOf({ HOME: directory }), config: directory },
    readSettings: async () => settings,
    base: async ({ url }) => `http://127.0.0.1:4873/${url.host}/`,
    pathOf: (id, file) => join(directory, `${id}.${file}`),
    artifactHost: () => undefined,
    readOnlyBecause: () => undefined,
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const leading = async (...upstreams: UpstreamSettings[]) => {
  settings = { ...settings, upstreams };
  return lead(parts, plain, plain.tools[0]!, launch);
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
    writeFileSync(parts.pathOf(launch.id, 'config'), 'planted');
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

  it('says why nothing is stored', async () => {
    parts = { ...parts, readOnlyBecause: () => 'the disk is full' };
    expect((await leading(shipped)).answer.notes).toEqual(['nothing is stored: the disk is full']);
  });
});

describe('a registry', () => {
  it('is public when the tool ships it or the user says so, and private otherwise', async () => {
    expect(await asked(shipped, corp)).toMatchObject([
      { public: true, name: 'npm' },
      { public: false, name: corp.url },
    ]);
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ 'npm.public': corp.url }));
    expect(await asked(corp)).toMatchObject([{ public: true, name: 'npm' }]);
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
