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
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries([...ours, ...others]));
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

  it('says which settings the agent reads when it starts', () => {
    const [sentence] = /^The agent reads [^:]*:/m.exec(page('docs/configuration.md'))!;
    const named = codes(sentence).flatMap((name) =>
      KEYS.filter((key) => key === name || (name.endsWith('*') && key.startsWith(name.slice(0, -1)))),
    );
    const readAtStart = KEYS.filter((key) => settingOf(key).readAtStart);
    expect(named).toEqual(readAtStart);
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
    // What begins with PYRSIA_WAS keeps the user's own variables for commands below, and is nobody's to set.
    const unknown = variables.filter((name) => name !== 'PYRSIA_WAS' && !documented.includes(name));
    expect(unknown).toEqual([]);
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

/** Names that the receipt's row of `member` explains. */
const explainedIn = (member: string): string[] =>
  table('docs/report.md', '## The receipt')
    .filter((row) => row['member'] === `\`${member}\``)
    .flatMap((row) => codes(row['value']!));

const kinds = (value: object): string[] => Object.values(value).map((member) => typeof member);

describe('docs/report.md', () => {
  const linesOnly = 'launch';

  it('names the members of a line, a receipt, and an explanation', () => {
    const report = 'src/resolve/report.ts';
    const line = documentedIn('## A line').filter((member) => member !== linesOnly);
    expect(line.toSorted()).toEqual(membersOf(report, 'ReportLine'));
    expect(documentedIn('## The receipt').toSorted()).toEqual(membersOf(report, 'Receipt'));
    const explanation = documentedIn('## An explanation').toSorted();
    const members = membersOf('src/resolve/explain.ts', 'Explanation');
    expect(explanation).toEqual([...members, 'log'].toSorted());
  });

  it('tells what each sum and each count is', () => {
    expect(
      explainedIn('totals')
        .filter((name) => name !== 'artifacts')
        .toSorted(),
    ).toEqual(membersOf('src/resolve/report.ts', 'Totals').filter((name) => name !== 'artifacts'));
    expect(explainedIn('documents').toSorted()).toEqual(membersOf('src/resolve/report.ts', 'DocumentCounts'));
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
