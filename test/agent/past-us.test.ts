import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPastUs, notingPastUs } from '../../src/agent/past-us.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import { openReporter } from '../../src/resolve/reporter.ts';
import { contentAt } from '../../src/shims/npm-cache-folder.ts';

const digest = (name: string) => digestOf(Buffer.from(name), 'sha512');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-past-'));
  lock({ left: 'https://public.example/left.tgz', '@acme/right': 'https://else.example:8443/right.tgz' });
});
afterEach(() => rmSync(directory, { recursive: true }));

function lock(addresses: Readonly<Record<string, string>>): void {
  const entries = Object.entries(addresses).map(([name, resolved]) => [
    `node_modules/${name}`,
    { version: '1.0.0', resolved, integrity: integrityOf(digest(name)) },
  ]);
  const packages: unknown = { '': { dependencies: addresses }, ...Object.fromEntries(entries) };
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
}

/** A launch of npm that is led from its default registry, with a lockfile that is said to name these hosts. */
function launch(
  lockedHosts: readonly string[] = [],
  led: Pick<Plan, 'redirection'> = {
    redirection: { env: { npm_config_registry: 'http://127.0.0.1:4001/' } },
  },
): Plan {
  const about = { launch: 'L', command: ['npm', 'ci'], cwd: '/', startedAt: 1, policy: 'observe' } as const;
  const reporter = openReporter(about);
  return {
    session: { reporter, askers: new Map(), receipt: (endedAt) => reporter.receipt(endedAt) },
    settings: {
      upstreams: [{ url: 'https://public.example/', shipped: true }],
      connection: { strictSsl: true },
      globalConfig: '',
      sources: [],
      lockedHosts,
      replacing: { replaces: 'public.example', isUsers: false },
      install: {
        cache: join(directory, 'npm'),
        lockfiles: [join(directory, 'package-lock.json')],
        omit: [],
        os: 'linux',
        cpu: 'x64',
      },
    },
    notes: [],
    askerFor: () => undefined,
    filling: { how: 'off', limit: 0 },
    ...led,
  };
}

/** What is found of a lockfile that is said to name these hosts, by a tool that is led so. */
async function found(
  lockedHosts = ['public.example', 'else.example:8443'],
  led?: Pick<Plan, 'redirection'>,
): Promise<readonly (readonly [string, number])[]> {
  const plan = launch(lockedHosts, led);
  await findPastUs(npm, npm.tools[0]!, plan);
  return (plan.session.receipt().pastUs ?? []).map(({ host, packages }) => [host, packages]);
}

it('What a lockfile has at other hosts than the one that npm is led from goes past us', async () => {
  expect(await found()).toEqual([['else.example:8443', 1]]);
});

it('A lockfile of which all hosts are led to us is not even read', async () => {
  expect(await found(['public.example'])).toEqual([]);
});

it('What npm’s own cache held before does not go past us, what came there meanwhile does', async () => {
  const file = contentAt(join(directory, 'npm'), digest('@acme/right'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  const later = Date.now() / 1000 + 60;
  utimesSync(file, later, later);
  expect(await found()).toHaveLength(1);
  utimesSync(file, later - 120, later - 120);
  expect(await found()).toEqual([]);
});

it('Nothing is counted of a tool that is not led to us, nor of a lockfile that is not there', async () => {
  expect(await found(undefined, {})).toEqual([]);
  rmSync(join(directory, 'package-lock.json'));
  expect(await found()).toEqual([]);
});

it('An address that is none is npm’s to complain of', async () => {
  lock({ left: 'https://[', '@acme/right': 'https://else.example:8443/right.tgz' });
  expect(await found()).toEqual([['else.example:8443', 1]]);
});

it('What npm chooses from documents at other hosts goes past us, unless its own cache held it, and is passed on', async () => {
  const content = (name: string, host: string) => ({
    digest: digest(name),
    packages: [{ name, version: '1.0.0', resolved: `https://${host}/${name}.tgz` }],
  });
  const batches = [
    [content('left', 'public.example'), content('@acme/right', 'acme.example')],
    [content('@acme/held', 'acme.example')],
  ];
  const file = contentAt(join(directory, 'npm'), digest('@acme/held'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  utimesSync(file, 1, 1);
  const plan = launch();
  const followed = async function* () {
    yield* batches;
  };
  const passed = await Array.fromAsync(notingPastUs(npm, npm.tools[0]!, plan, followed()));
  expect(passed).toEqual(batches);
  expect(plan.session.receipt().pastUs).toMatchObject([
    { host: 'acme.example', packages: 1, purls: ['pkg:npm/%40acme/right@1.0.0'] },
  ]);
});
