import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillLocal } from '../../src/agent/fill-local.ts';
import type { Asked } from '../../src/agent/projects.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import { digestOf } from '../../src/content/digest.ts';
import { sha1 } from '../support/maven-gates.ts';
import { type MavenGates, openMavenGates } from '../support/maven-gates.ts';

const DIRECTORY = 'org/example/app/1.0';
const pom = Buffer.from('<project/>');
const jar = Buffer.from('PK\u0003\u0004 and more');

let directory: string;
let gates: MavenGates;
let plan: Plan;
const at = (...path: string[]): string => join(directory, 'local', ...path);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-fill-'));
  gates = await openMavenGates();
  const { one, other } = gates;
  const { reporter } = one.asker;
  plan = {
    session: {
      reporter,
      askers: new Map([one, other].map(({ asker }) => [asker.upstream.url.href, asker])),
      receipt: (endedAt) => reporter.receipt(endedAt),
    },
    settings: {
      upstreams: [
        { url: one.asker.upstream.url.href, scope: 'central', shipped: false },
        { url: other.asker.upstream.url.href, scope: 'other', shipped: false },
      ],
      connection: { strictSsl: true },
      globalConfig: '',
      sources: [],
      lockedHosts: [],
      build: { local: at(), project: '/pom.xml', digest: digestOf(pom, 'sha256') },
    },
    notes: [],
    askerFor: () => undefined,
    filling: { how: 'off', limit: 0, local: 'copy' },
    redirection: { env: {} },
  };
});
afterEach(async () => {
  await gates[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** A file of the version that was asked for at a repository. */
const asked = (file: string, from = gates.one): Asked => ({
  upstream: from.asker.upstream.name,
  coordinates: {
    ecosystem: 'maven',
    name: 'org.example:app',
    version: '1.0',
    ...(file === 'app-1.0.jar' ? {} : { file }),
  },
  age: 0,
});

/** Has it fetched through us, and gives what was asked for then. */
async function have(file: string, bytes: Buffer, from = gates.one): Promise<Asked> {
  const path = `/${DIRECTORY}/${file}`;
  gates.put(path, bytes, from);
  expect(await gates.get(path, from)).toMatchObject({ status: 200 });
  return asked(file, from);
}

const run = async (all: readonly Asked[], signal = new AbortController().signal): Promise<void> =>
  fillLocal({ cache: gates.cache, artifacts: gates.artifacts, umask: () => 0o022 }, plan, all, signal);

it('puts there what was asked for, as the repository of its id has it, and accounts for it', async () => {
  const all = [await have('app-1.0.pom', pom), await have('app-1.0.jar', jar, gates.other)];
  const requests = [...gates.one.requests, ...gates.other.requests];
  const { reporter } = gates.one.asker;
  await run(all);
  expect(readdirSync(at(DIRECTORY)).toSorted()).toEqual([
    '_remote.repositories',
    'app-1.0.jar',
    'app-1.0.jar.sha1',
    'app-1.0.pom',
    'app-1.0.pom.sha1',
  ]);
  expect(readFileSync(at(DIRECTORY, 'app-1.0.jar'))).toEqual(jar);
  expect(readFileSync(at(DIRECTORY, 'app-1.0.pom.sha1'), 'utf8')).toBe(sha1(pom));
  expect(readFileSync(at(DIRECTORY, '_remote.repositories'), 'utf8')).toMatch(
    /\napp-1\.0\.jar>other=\napp-1\.0\.pom>central=\n$/,
  );
  expect(readdirSync(at())).toEqual(['org']);
  expect([...gates.one.requests, ...gates.other.requests]).toEqual(requests);
  expect(reporter.receipt().fill).toMatchObject({ linked: 0, copied: 2, bytes: pom.length + jar.length });
});

describe('what the proxy would not deliver', () => {
  it.each<[string, (all: readonly Asked[]) => void | Promise<void>]>([
    ['of a repository that is not asked now', ([one]) => void (plan = without(one!.upstream))],
    ['of a repository with several ids', () => void (plan = withTwoIds())],
    ['of one whose id a list would have to write otherwise', () => void (plan = withId('a b'))],
    ['where mvn has to prove who its user is', () => void (plan = withProof())],
    [
      'where evidence is too low',
      async ([one]) => {
        plan = withPolicy('strict');
        const digests = [digestOf(pom, 'sha1')];
        await gates.cache.bindings.put({ ...bindingOf(one!), digests, seenAt: 2, reason: 'accepted' });
      },
    ],
    [
      'of which other bytes were seen',
      async ([one]) =>
        gates.cache.bindings.put({
          ...bindingOf(one!),
          digests: [digestOf(Buffer.from('other'), 'sha256'), digestOf(Buffer.from('other'), 'sha1')],
          seenAt: 2,
          reason: 'accepted',
        }),
    ],
    ['that is damaged here', () => damage()],
  ])('is not put there: %s', async (_, spoil) => {
    const all = [await have('app-1.0.pom', pom)];
    await spoil(all);
    await run(all);
    expect(existsSync(at(DIRECTORY))).toBe(false);
  });

  it('leaves what is damaged to mvn, and puts the rest there', async () => {
    const all = [await have('app-1.0.jar', jar), await have('app-1.0.pom', pom)];
    damage();
    await run(all);
    expect(readdirSync(at(DIRECTORY))).toEqual(['_remote.repositories', 'app-1.0.jar', 'app-1.0.jar.sha1']);
    expect(gates.notes().join()).toMatch(/damaged|corrupt|digest/i);
  });

  it('is nothing that two repositories have given', async () => {
    const both = [await have('app-1.0.pom', pom), await have('app-1.0.pom', pom, gates.other)];
    await run([...both, await have('app-1.0.jar', jar)]);
    expect(readdirSync(at(DIRECTORY))).toEqual(['_remote.repositories', 'app-1.0.jar', 'app-1.0.jar.sha1']);
  });

  it('is nothing that nobody has asked for at this repository', async () => {
    await have('app-1.0.pom', pom);
    await run([asked('app-1.0.pom', gates.other), asked('../../../../app-1.0.pom')]);
    expect(existsSync(at())).toBe(false);
  });
});

it('touches no version that is there', async () => {
  const all = [await have('app-1.0.pom', pom)];
  mkdirSync(at(DIRECTORY), { recursive: true });
  await run(all);
  expect(readdirSync(at(DIRECTORY))).toEqual([]);
});

it.each<[string, () => void]>([
  ['is switched off', () => void (plan = { ...plan, filling: { ...plan.filling, local: 'off' } })],
  ['is not led', () => void (plan = withoutRedirection())],
])('puts nothing there for a launch that %s', async (_, change) => {
  const all = [await have('app-1.0.pom', pom)];
  change();
  await run(all);
  expect(existsSync(at())).toBe(false);
});

it('ends with its launch', async () => {
  await run([await have('app-1.0.pom', pom)], AbortSignal.abort());
  expect(existsSync(at(DIRECTORY))).toBe(false);
});

it('says nothing where it may not write', async () => {
  const all = [await have('app-1.0.pom', pom)];
  mkdirSync(at());
  // Modes are nothing to root.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', at()]);
  else chmodSync(at(), 0o555);
  try {
    await run(all);
    expect(gates.one.asker.reporter.receipt().fill).toBeUndefined();
  } finally {
    if (isRoot) execFileSync('umount', [at()]);
    else chmodSync(at(), 0o755);
  }
});

it('says why it could not go on', async () => {
  const all = [await have('app-1.0.pom', pom)];
  mkdirSync(join(directory, 'file'), { recursive: true });
  writeFileSync(join(directory, 'file', 'x'), '');
  const build = { ...plan.settings.build!, local: join(directory, 'file', 'x', 'local') };
  plan = { ...plan, settings: { ...plan.settings, build } };
  await run(all);
  expect(gates.one.asker.reporter.receipt().fill).toMatchObject({
    copied: 0,
    problem: expect.stringContaining('ENOTDIR'),
  });
});

function bindingOf({ upstream, coordinates }: Asked) {
  return { upstream, coordinates, private: true } as const;
}

function without(name: string): Plan {
  const askers = [...plan.session.askers].filter(([, { upstream }]) => upstream.name !== name);
  return { ...plan, session: { ...plan.session, askers: new Map(askers) } };
}

function withoutRedirection(): Plan {
  const { redirection: _, ...rest } = plan;
  return rest;
}

function withId(scope: string): Plan {
  const upstreams = plan.settings.upstreams.map((each) => ({ ...each, scope }));
  return { ...plan, settings: { ...plan.settings, upstreams } };
}

function withProof(): Plan {
  const proof = { byPassword: true, headers: [] };
  const askers = [...plan.session.askers].map(([url, asker]) => [url, { ...asker, proof }] as const);
  return { ...plan, session: { ...plan.session, askers: new Map(askers) } };
}

function withTwoIds(): Plan {
  const { upstreams } = plan.settings;
  const both = [...upstreams, ...upstreams.map((each) => ({ ...each, scope: `${each.scope}-2` }))];
  return { ...plan, settings: { ...plan.settings, upstreams: both } };
}

function withPolicy(policy: 'strict'): Plan {
  const askers = [...plan.session.askers].map(([url, asker]) => [url, { ...asker, policy }] as const);
  return { ...plan, session: { ...plan.session, askers: new Map(askers) } };
}

/** Damages our copy of the pom. */
function damage(): void {
  const path = gates.cache.pathOf(digestOf(pom, 'sha256'))!;
  chmodSync(path, 0o644);
  writeFileSync(path, Buffer.from('<projekt/>'));
}
