import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNews } from '../../src/agent/news.ts';
import { openQuickAnswers, type QuickAnswers } from '../../src/agent/quick-answers.ts';
import { plan, type SessionParts } from '../../src/agent/sessions.ts';
import type { Tool } from '../../src/ecosystems/ecosystem.ts';
import type { Launch } from '../../src/shims/launch.ts';
import { quickFile } from '../../src/shims/quick-file.ts';
import type { ToolSettings } from '../../src/shims/settings.ts';
import { plain } from '../support/plain-ecosystem.ts';

let directory: string;
let tool: Tool;
let settings: ToolSettings;
let contexts: Parameters<SessionParts['readSettings']>[2][];
let artifactHost: string | undefined;
let reading: Promise<void>;
let quick: QuickAnswers;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-answers-'));
  tool = plain.tools[0]!;
  settings = {
    upstreams: [{ url: 'https://public.example/', shipped: true }],
    connection: { strictSsl: true },
    globalConfig: 'theirs=kept',
    sources: [],
    lockedHosts: [],
  };
  [contexts, artifactHost, reading] = [[], undefined, Promise.resolve()];
  const sessions: SessionParts = {
    async readSettings(_, __, context) {
      contexts.push(context);
      await reading;
      return settings;
    },
    base: async () => 'http://127.0.0.1:4873/',
    pathOf: (name, file) => join(directory, `${name}.${file}`),
    artifactHost: () => artifactHost,
    readOnlyBecause: () => undefined,
    news: openNews(),
  };
  quick = openQuickAnswers({
    directory,
    sessions,
    shims: join(directory, 'shims'),
    toolOf: () => [plain, tool],
    plan: async (parts, launched) => plan(parts, plain, tool, launched),
    log: () => {},
  });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** A launch of a process with this environment. */
function launch(changes: Partial<Launch> = {}): Launch {
  return {
    id: randomUUID(),
    name: randomUUID(),
    pid: process.pid,
    cwd: directory,
    tool: 'plain',
    executable: '/bin/plain',
    args: ['download', 'apple'],
    env: { XDG_CONFIG_HOME: directory },
    ...changes,
  };
}

/** One that has followed the answer in the quick file, by a process with `env`. */
function following(env: Record<string, string> = {}): Launch {
  const child = spawn('sleep', ['60'], { env: { XDG_CONFIG_HOME: directory, ...env } });
  children.push(child);
  return launch({ pid: child.pid!, env: {}, generation: said()[2]! });
}

const file = () => quickFile(directory, 'plain');
const said = (): string[] => readFileSync(file(), 'utf8').split('\n');
const refusal = (reason: RegExp) => ({
  code: 'AGENT_REFUSED',
  message: expect.stringMatching(reason),
});

describe('the quick file', () => {
  it('says what holds outside of any project, whatever was asked in which', async () => {
    await quick.renew(launch());
    expect(contexts).toMatchObject([{ cwd: '/', args: [], executable: '/bin/plain' }]);
    expect(said().slice(3, 7)).toEqual(['/bin/plain', '', '|', '']);
    expect(said().slice(7)).toEqual([
      `-${directory}/pyrsia/config.json`,
      '$PLAIN_REGISTRY=http://127.0.0.1:4873/',
      '&PLAIN_CONFIG=config',
      '>config',
      ':theirs=kept',
      '@token=',
      'end',
      '',
    ]);
  });

  it('is left as it is while all that it rests on is', async () => {
    const [config, settingsFile] = [join(directory, 'pyrsia', 'config.json'), join(directory, 'npmrc')];
    settings = { ...settings, sources: [{ path: settingsFile, exists: false }] };
    await quick.renew(launch());
    const before = said();
    await quick.renew(launch());
    expect(contexts).toHaveLength(1);

    mkdirSync(join(directory, 'pyrsia'));
    writeFileSync(config, '{}');
    await quick.renew(launch());
    expect(contexts).toHaveLength(2);
    rmSync(file());
    await quick.renew(launch());
    await quick.renew(launch({ executable: '/opt/plain' }));
    await quick.renew(launch({ env: { ...launch().env, PLAIN_REGISTRY: 'x' } }));
    expect(contexts).toHaveLength(5);

    rmSync(config);
    await quick.renew(launch());
    expect(said()).toEqual(before);
  });

  it('is not made for what runs below another stand-in', async () => {
    const below = { XDG_CONFIG_HOME: directory, PLAIN_REGISTRY: 'x', PYRSIA_SHIM_DEPTH: '2:e:7:/bin/plain' };
    await quick.renew(launch({ env: below }));
    expect(existsSync(file())).toBe(false);
    await quick.renew(launch({ env: { XDG_CONFIG_HOME: directory, PYRSIA_SHIM_DEPTH: '1:e:7:/bin/plain' } }));
    const before = said();
    await quick.renew(launch({ env: below }));
    expect(said()).toEqual(before);
  });

  it('is none where there is something to tell, or an answer cannot be said in it', async () => {
    await quick.renew(launch());
    const [shipped] = settings.upstreams;
    settings = { ...settings, upstreams: [shipped!, { ...shipped!, scope: '@acme', unsupported: 'a card' }] };
    await quick.renew(launch({ executable: '/opt/plain' }));
    expect(existsSync(file())).toBe(false);

    settings = { ...settings, upstreams: [shipped!] };
    await quick.renew(launch());
    expect(existsSync(file())).toBe(true);
    tool = { ...tool, settings: { ...tool.settings, led: ['PLAIN_CONFIG'] } };
    await quick.renew(launch({ executable: '/opt/plain' }));
    expect(existsSync(file())).toBe(false);
    // Nor is that found out again and again.
    const { length } = contexts;
    await quick.renew(launch({ executable: '/opt/plain' }));
    expect(contexts).toHaveLength(length);
  });

  it('is none of a tool whose settings cannot be read', async () => {
    await quick.renew(launch());
    reading = Promise.reject(new Error('spoilt'));
    await quick.renew(launch({ executable: '/opt/plain' }));
    expect(existsSync(file())).toBe(false);
  });

  it('says whether a lockfile may change it', async () => {
    settings = { ...settings, replacedHost: 'public.example' };
    await quick.renew(launch());
    expect(said()[6]).toBe('');
    settings = { ...settings, replacedHost: 'other.example' };
    await quick.renew(launch({ executable: '/opt/plain' }));
    expect(said()[6]).toBe('1');
  });

  it('is gone once answers are withdrawn, also the one that is just being found', async () => {
    await quick.renew(launch());
    const going = Promise.withResolvers<void>();
    reading = going.promise;
    const renewed = quick.renew(launch({ executable: '/opt/plain' }));
    quick.withdraw();
    going.resolve();
    await renewed;
    expect(existsSync(file())).toBe(false);
    await quick.renew(launch());
    expect(existsSync(file())).toBe(true);
  });

  it('of an agent before us is removed', () => {
    writeFileSync(file(), '');
    openQuickAnswers({
      directory,
      sessions: {} as SessionParts,
      shims: '/shims',
      toolOf: () => [plain, tool],
      plan: async (parts, launched) => plan(parts, plain, tool, launched),
      log: () => {},
    });
    expect(existsSync(file())).toBe(false);
  });

  it('is withdrawn when a registry turns out to keep its artifacts elsewhere', async () => {
    await quick.renew(launch());
    artifactHost = 'public.example';
    quick.review();
    expect(existsSync(file())).toBe(true);
    artifactHost = 'elsewhere.example';
    quick.review();
    expect(existsSync(file())).toBe(false);
  });
});

describe.runIf(process.platform === 'linux')('a launch that has followed an answer', () => {
  it('is planned in its own directory, for its own environment as its user had it', async () => {
    await quick.renew(launch());
    const outer = { PLAIN_CONFIG: '/led', PYRSIA_WAS_HTTP_PROXY: '', HTTP_PROXY: 'x', HOME: '/home/ada' };
    const { session, redirection } = await quick.plan(following({ ...outer, SECRET: 'unseen' }));
    expect(contexts.at(-1)).toMatchObject({ cwd: directory, args: ['download', 'apple'] });
    expect(contexts.at(-1)!.env).toEqual({ XDG_CONFIG_HOME: directory, HOME: '/home/ada' });
    expect(redirection?.env['PLAIN_REGISTRY']).toBe('http://127.0.0.1:4873/');
    expect([...session.askers.keys()]).toEqual(['https://public.example/']);
  });

  it('is refused when its answer is no longer right, and none is given to that tool after it', async () => {
    await quick.renew(launch());
    const [one, other] = [following(), following()];
    settings = { ...settings, globalConfig: 'theirs=changed' };
    for (const each of [one, other])
      await expect(quick.plan(each)).rejects.toMatchObject(
        refusal(/plain's configuration .* run plain again/),
      );
    expect(existsSync(file())).toBe(false);
    await quick.renew(launch());
    expect(existsSync(file())).toBe(false);
  });

  it('is refused when another agent gave the answer, or gave it for another tool', async () => {
    await quick.renew(launch());
    const good = following();
    for (const wrong of [{ generation: '0123456789abcdef' }, { tool: 'other' }])
      await expect(quick.plan({ ...good, ...wrong })).rejects.toMatchObject(refusal(/run \w+ again/));
    await expect(quick.plan(good)).resolves.toBeDefined();
    expect(existsSync(file())).toBe(true);
  });

  it('is served when there is a newer answer meanwhile, or more is known of the registry', async () => {
    await quick.renew(launch());
    const earlier = following();
    await quick.renew(launch({ executable: '/opt/plain' }));
    artifactHost = 'elsewhere.example';
    await expect(quick.plan(earlier)).resolves.toMatchObject({ notes: [] });
    expect(existsSync(file())).toBe(true);
  });

  it('is refused when its environment cannot be read', async () => {
    await quick.renew(launch());
    const gone = { ...following(), pid: 2 ** 22 + 1 };
    await expect(quick.plan(gone)).rejects.toMatchObject(refusal(/environment cannot be read: .*ENOENT/));
  });
});
