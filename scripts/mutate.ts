/**
 * Tries whether the tests would notice: takes out the guards listed in `mutations.ts`, one after the other,
 * in copies of the tree, and demands that a test fails each time.
 *
 * `npm run mutate` tries all; `npm run mutate -- src/proxy` those in files whose path contains the
 * argument, and those whose reason does.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mutations } from './mutations.ts';
import type { Mutation } from './mutations/mutation.ts';

/** NOT TRIED: every test of it is skipped here, for want of a user or a privilege. */
type Verdict = 'noticed' | 'NOT NOTICED' | 'NOT TRIED' | 'OUTDATED';

/** How many are tried at the same time, each in a copy of its own. */
const AT_A_TIME = 2;

const root = join(import.meta.dirname, '..');
const [part = ''] = process.argv.slice(2);
const chosen = mutations.filter(({ file, why }) => file.includes(part) || why.includes(part));
if (chosen.length === 0) throw new Error(`No mutation is in a file like "${part}", or says so`);

const copies = await Promise.all(Array.from({ length: AT_A_TIME }, copyOfTree));
try {
  await demandSound(copies[0]!);
  const verdicts: Verdict[] = [];
  const queue = chosen.values(); // Whoever is free takes the next.
  await Promise.all(
    copies.map(async (copy) => {
      for (const mutation of queue) {
        const verdict = await judge(copy, mutation);
        console.log(`${verdict.padEnd(12)} ${mutation.file}: ${mutation.why}`);
        verdicts.push(verdict);
      }
    }),
  );
  const count = (wanted: Verdict): number => verdicts.filter((verdict) => verdict === wanted).length;
  const untried = count('NOT TRIED');
  console.log(
    `${count('noticed')} of ${chosen.length} noticed${untried > 0 ? `, ${untried} not tried` : ''}`,
  );
  if (count('noticed') + untried < chosen.length) process.exitCode = 1;
} finally {
  for (const copy of copies) await rm(copy, { recursive: true });
}

/** The tree as it lies here, without what is large: dependencies are linked. */
async function copyOfTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pyrsia-mutate-'));
  await chmod(folder, 0o755); // Some tests run as another user.
  const left = new Set(['.git', 'node_modules', 'coverage']);
  for (const name of await readdir(root)) {
    if (!left.has(name)) await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Throws when a test fails before anything is changed. */
async function demandSound(copy: string): Promise<void> {
  const whole = new Set(chosen.filter(({ only }) => only === undefined).map(({ test }) => test));
  const parts = chosen.filter(({ test }) => !whole.has(test));
  const patterns = parts.flatMap(({ only }) => (only === undefined ? [] : [`(${only})`]));
  for (const [tests, only] of [
    [[...whole], undefined],
    [[...new Set(parts.map(({ test }) => test))], patterns.join('|')],
  ] as const) {
    const { failed = [] } = tests.length > 0 ? await outcome(copy, tests, only) : {};
    if (failed.length > 0) throw new Error(`Tests fail before anything is changed:\n${failed.join('\n')}`);
  }
}

async function judge(copy: string, { file, find, replace, test, only }: Mutation): Promise<Verdict> {
  const path = join(copy, file);
  const source = await readFile(path, 'utf8');
  if (source.split(find).length !== 2) return 'OUTDATED';

  await writeFile(
    path,
    source.replace(find, () => replace),
  );
  const { failed, passed } = await outcome(copy, [test], only);
  await writeFile(path, source);
  if (failed.length > 0) return 'noticed';
  return passed > 0 ? 'NOT NOTICED' : 'NOT TRIED';
}

/**
 * How many tests of these files pass, and which fails, of which one is enough. A file that cannot even be loaded
 * is no test, and an error here.
 */
async function outcome(
  copy: string,
  tests: readonly string[],
  only: string | undefined,
): Promise<{ readonly failed: readonly string[]; readonly passed: number }> {
  // These run the program as it was built.
  if (tests.some((test) => /^test\/(commands?|doctor|e2e|shims\/shim-client)\b/.test(test)))
    await run(copy, ['scripts/build.ts']);
  const report = join(copy, 'report.json');
  await rm(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const pattern = only === undefined ? [] : ['-t', only];
  await run(copy, [
    vitest,
    'run',
    '--bail=1',
    '--reporter=json',
    `--outputFile=${report}`,
    ...pattern,
    ...tests,
  ]);
  const { numPassedTests, testResults } = JSON.parse(await readFile(report, 'utf8'));
  const files: readonly File[] = testResults;
  const results = files.flatMap(({ assertionResults }) => assertionResults);
  const meant = new RegExp(only ?? '');
  if (!results.some((result) => meant.test(nameOf(result))))
    throw new Error(`No such test was found, or none could be loaded: ${tests.join(', ')} ${only ?? ''}`);
  return { failed: files.flatMap(reasonsOf), passed: numPassedTests };
}

/** What vitest reports of a file. */
interface File {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly Result[];
}

/** One test, as vitest reports it. */
interface Result {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages?: readonly string[];
}

function nameOf({ ancestorTitles, title }: Result): string {
  return [...ancestorTitles, title].join(' > ');
}

/** Which tests of a file fail, and why; or what was to be there before them. */
function reasonsOf({ name, status, message, assertionResults }: File): readonly string[] {
  const failed = assertionResults.filter((result) => result.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [`${name}: ${message}`] : [];
  return failed.map((result) => `${nameOf(result)}: ${result.failureMessages?.[0]?.split('\n', 1)[0] ?? ''}`);
}

/** Runs Node in a copy until it ends, with whatever exit code. */
async function run(copy: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
}
