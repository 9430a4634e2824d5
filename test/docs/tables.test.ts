/**
 * The tables of our documentation, row by row, against the program.
 *
 * @module
 */
import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { exitCodeOf, exitCodes } from '../../src/command/failure.ts';
import { KEYS, settingOf } from '../../src/config/settings.ts';
import { formatBytes, formatDuration } from '../../src/content/format.ts';
import type { Explanation } from '../../src/resolve/explain.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';
import { POLICIES } from '../../src/verify/expect.ts';
import { openWorld } from '../e2e/everyday-world.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { blocks, codes, page, pages, table } from './markdown.ts';

describe('docs/exit-codes.md', () => {
  it('gives every error code the exit code that it has', () => {
    const documented = table('docs/exit-codes.md').flatMap((row) =>
      codes(row['error codes']!).map((code) => [code, Number(row['code'])] as const),
    );
    const ours = Object.entries(exitCodes);
    const others = [
      ['USAGE', exitCodeOf(Object.assign(new Error('Nonexistent flag'), { oclif: { exit: 2 } }))],
      ['INTERNAL', exitCodeOf(new Error('unforeseen'))],
    ] as const;
    expect(documented.toSorted()).toEqual([...ours, ...others].toSorted());
  });
});

describe('docs/configuration.md', () => {
  it('lists every setting with its default and its variable', () => {
    const documented = table('docs/configuration.md', '## Settings').map((row) => ({
      key: codes(row['setting']!)[0],
      default: codes(row['default']!)[0] ?? '',
      env: codes(row['environment']!)[0],
    }));
    const settings = KEYS.map((key) => ({ key, default: settingOf(key).default, env: settingOf(key).env }));
    expect(documented).toEqual(settings);
  });

  it('explains every policy', () => {
    expect(table('docs/configuration.md', '### Policy').map((row) => codes(row['value']!)[0])).toEqual(
      POLICIES,
    );
  });

  it('knows every variable that we look at', () => {
    const sources = globSync('src/**/*.ts').map(page).join('\n');
    const variables = [...sources.matchAll(/\bPYRSIA_[A-Z]+\b/g)].map(([name]) => name);
    const documented = page('docs/configuration.md');
    for (const name of new Set(variables)) if (name !== 'PYRSIA_WAS') expect(documented).toContain(name);
  });
});

/** The members of an interface in `path`, a question mark behind those that may be missing. */
function membersOf(path: string, name: string): string[] {
  const [, body] = new RegExp(String.raw`export interface ${name} \{\n([^]*?)\n\}`).exec(page(path)) ?? [];
  return [...body!.matchAll(/^ {2}readonly (\w+\??):/gm)].map(([, member]) => member!).toSorted();
}

const documentedIn = (heading: string): string[] =>
  table('docs/report.md', heading)
    .flatMap(({ member = '' }) => member.split(', '))
    .map((member) => member.replaceAll('`', ''));

describe('docs/report.md', () => {
  const linesOnly = 'launch';

  it('names the members of a line, a receipt, and an explanation', () => {
    const report = 'src/resolve/report.ts';
    const line = documentedIn('## A line').filter((member) => member !== linesOnly);
    expect(line.toSorted()).toEqual(membersOf(report, 'ReportLine'));
    expect(documentedIn('## The receipt').toSorted()).toEqual(membersOf(report, 'Receipt'));
    const explanation = documentedIn('## An explanation').toSorted();
    expect(explanation).toEqual(membersOf('src/resolve/explain.ts', 'Explanation'));
  });

  it('tells what each sum and each count is', () => {
    const about = (member: string): string[] =>
      codes(
        table('docs/report.md', '## The receipt').find((row) => row['member'] === `\`${member}\``)!['value']!,
      );
    expect(
      about('totals')
        .filter((name) => name !== 'artifacts')
        .toSorted(),
    ).toEqual(membersOf('src/resolve/report.ts', 'Totals').filter((name) => name !== 'artifacts'));
    expect(about('documents').toSorted()).toEqual(membersOf('src/resolve/report.ts', 'DocumentCounts'));
  });

  it('shows a line as it is written, with all that must be in it', { timeout: 60_000 }, async () => {
    await using world = await openWorld({ packages: [makePackage({ name: 'left', version: '1.0.0' })] });
    const { sandbox } = world;
    const { dir: cwd } = await sandbox.project({ dependencies: { left: '1.0.0' } });
    const env = { PYRSIA_REPORT: sandbox.reportFile };
    expect(await world.afresh(['npm', 'ci'], { cwd, env })).toMatchObject({ code: 0 });

    const [written] = sandbox.readReport() as (ReportLine & { readonly launch: string })[];
    const [shown] = blocks('docs/report.md', 'json').map((block) => JSON.parse(block) as object);
    expect(Object.keys(shown!)).toEqual(Object.keys(written!));
    const kinds = (line: object): string[] => Object.values(line).map((value) => typeof value);
    expect(kinds(shown!)).toEqual(kinds(written!));

    const receipt: Receipt = await world.last();
    const explanations = await world.json<Explanation[]>(['why', 'npm:left']);
    for (const [heading, produced] of [
      ['## A line', written!],
      ['## The receipt', receipt],
      ['## An explanation', explanations[0]!],
    ] as const) {
      const documented = documentedIn(heading);
      const required = documented.filter((member) => !member.endsWith('?'));
      expect(Object.keys(produced)).toEqual(expect.arrayContaining(required));
      expect(documented.map((member) => member.replace('?', ''))).toEqual(
        expect.arrayContaining(Object.keys(produced)),
      );
    }
  });
});

const SEVEN_DAYS = 7 * 24 * 60 * 60 * 1000;
const binary = (bytes: number): string =>
  bytes >= 2 ** 30
    ? `${bytes / 2 ** 30} GiB`
    : bytes >= 2 ** 20
      ? `${bytes / 2 ** 20} MiB`
      : `${bytes / 2 ** 10} KiB`;
const asIs = String;
const setting = (key: (typeof KEYS)[number]) => settingOf(key).default;

/** Rows of LIMITS.md, and the constants that they tell of. */
const limits: Readonly<
  Record<string, readonly (readonly [path: string, name: string, as: (value: number) => string])[]>
> = {
  'one artifact of unknown size': [['content/verified', 'SIZE_LIMIT', binary]],
  'artifact verified before its first byte is sent': [
    ['resolve/transfer', 'WHOLE_LIMIT', binary],
    ['content/verified', 'HELD_BACK', binary],
  ],
  'artifact gathered in memory': [['resolve/transfer', 'MEMORY_LIMIT', binary]],
  'one document (packument), as sent and as decoded': [['proxy/documents', 'DOCUMENT_LIMIT', binary]],
  'nesting of a document': [['ecosystems/npm/json-members', 'DEPTH_LIMIT', asIs]],
  'name of an npm package': [['ecosystems/npm/names', 'NAME_LIMIT', asIs]],
  'lockfile that is searched for the hosts it names': [['shims/npm-lockfile', 'SIZE_LIMIT', binary]],
  'message that npm is asked to print': [['ecosystems/npm/refuse', 'NOTICE_LIMIT', asIs]],
  'making a connection': [['proxy/upstream', 'CONNECT_MS', formatDuration]],
  'tries of a request to an upstream': [
    ['proxy/upstream', 'ATTEMPTS', asIs],
    ['proxy/upstream', 'PAUSE_MS', formatDuration],
  ],
  'Retry-After that is waited for': [['proxy/upstream', 'RETRY_AFTER_LIMIT_MS', formatDuration]],
  'continuations of a transfer that breaks': [
    ['resolve/transfer', 'CONTINUATIONS', asIs],
    ['resolve/transfer', 'CONTINUE_AFTER_MS', formatDuration],
  ],
  'rest of an upstream that could not be reached': [['proxy/upstream', 'REST_MS', formatDuration]],
  'connections to one upstream': [['proxy/upstream', 'CONNECTIONS', asIs]],
  redirects: [['proxy/upstream', 'REDIRECTS', asIs]],
  'cache on the disk': [['cache/room', 'LOW_WATER', (share) => `${share * 100} %`]],
  'least `cache.limit`': [['config/settings', 'LEAST_CACHE', formatBytes]],
  'partial content that nobody continues': [
    ['cache/verify', 'STALE_MS', (ms) => `${(7 * ms) / SEVEN_DAYS} days`],
  ],
  'last use that is not yet written down': [['cache/write-behind', 'DELAY_MS', formatDuration]],
  'agent that nobody calls after its start': [['control/lifecycle', 'FIRST_CLIENT_MS', formatDuration]],
  'start of the agent': [['control/client', 'START_TIMEOUT_MS', formatDuration]],
  'greeting of the agent': [['control/connection', 'HELLO_TIMEOUT_MS', formatDuration]],
  'answer of the agent to a launch, and to its end': [
    ['command/run-wrapped', 'ANSWER_TIMEOUT_MS', formatDuration],
  ],
  'end of the agent': [['control/lifecycle', 'CLOSE_TIMEOUT_MS', formatDuration]],
  'launch whose process is gone': [['shims/launches', 'LOOK_EVERY_MS', formatDuration]],
  'launch file': [['shims/launch', 'LAUNCH_LIMIT', binary]],
  'message to the agent, and from it': [
    ['control/server', 'LINE_LIMIT', binary],
    ['control/connection', 'LINE_LIMIT', binary],
  ],
  'progress that a command does not read': [['control/server', 'BACKLOG_LIMIT', binary]],
  'path of the agent’s socket': [['control/directory', 'SOCKET_PATH_LIMIT', asIs]],
  'log of the agent': [['control/log', 'LOG_LIMIT', formatBytes]],
  'receipts kept': [['agent/kept-receipts', 'KEPT', asIs]],
  'refusals that `trust accept` can lift': [['agent/contradictions', 'KEPT', asIs]],
  'configuration file': [['config/config-file', 'FILE_LIMIT', binary]],
};

/** Rows whose number is no constant, and where else it is held. */
const settingsIn: Readonly<Record<string, string>> = {
  'silence of an upstream': setting('upstream.timeout').replace('s', ' s'),
  'agent without anything to do': setting('agent.idle').replace('m', ' min'),
  'duration in a setting': '24 days',
  'what is remembered of a version (its binding)': '12 kB',
};

/** The value of a constant in the source: a number, or a product of powers. */
function constant(path: string, name: string): number {
  const source = page(`src/${path}.ts`);
  const [, expression] =
    new RegExp(String.raw`const ${name} = ([\d_.]+(?: \*{1,2} [\d_.]+)*);`).exec(source) ?? [];
  if (expression === undefined) throw new Error(`src/${path}.ts has no number ${name}`);
  const number = (text: string): number => Number(text.replaceAll('_', ''));
  return expression
    .split(' * ')
    .map((factor) =>
      factor
        .split(' ** ')
        .map(number)
        .reduce((base, power) => base ** power),
    )
    .reduce((product, factor) => product * factor);
}

describe('LIMITS.md', () => {
  const headings = page('LIMITS.md')
    .match(/^## .*$/gm)!
    .filter((heading) => heading !== '## Known gaps');
  const rows = headings.flatMap((heading) => table('LIMITS.md', heading));
  const textOf = Object.fromEntries(
    rows.map((row) => [row['what']!, Object.values(row).slice(1).join(' | ')]),
  );

  it('has the rows that this test knows, and no others', () => {
    expect(Object.keys(textOf).toSorted()).toEqual(
      [...Object.keys(limits), ...Object.keys(settingsIn)].toSorted(),
    );
  });

  it.each(Object.entries(limits))('says of %s what the source says', (what, constants) => {
    for (const [path, name, as] of constants) {
      const number = new RegExp(String.raw`(?<![\d.])${as(constant(path, name))}(?!\d)`);
      expect(textOf[what]).toMatch(number);
    }
  });

  it.each(Object.entries(settingsIn))('says of %s: %s', (what, value) => {
    expect(textOf[what]).toContain(value);
  });
});

describe('The storeys', () => {
  it('in ARCHITECTURE.md are those that are checked', () => {
    const drawn = blocks('ARCHITECTURE.md', '').find((block) => block.includes('commands/'))!;
    const named = drawn
      .split('\n')
      .filter((line) => /^\d/.test(line))
      .toReversed()
      .map((line) => [...line.matchAll(/([a-z0-9]+)(?:\/|\.ts)/g)].map(([, name]) => name!));
    const [, list] = /^const storeys = (\[[^]*?\n\]);/m.exec(page('.dependency-cruiser.js'))!;
    const checked = [...list!.matchAll(/\[([^[\]]+)\]/g)].map(([, names]) => names!.match(/\w+/g)!);
    expect(named.map((names) => [...new Set(names)].toSorted())).toEqual(
      checked.map((names) => names.toSorted()),
    );
  });
});

describe('npm run', () => {
  it('has every script that the documentation names', () => {
    const named = pages.flatMap((path) =>
      [...page(path).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!),
    );
    const inTable = table('CONTRIBUTING.md', '## The checks').flatMap((row) => codes(row['`npm run …`']!));
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining([...named, ...inTable]));
  });
});
