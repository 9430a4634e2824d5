/**
 * Tries whether the tests would notice: takes out the guards listed in `mutations.ts`, one after the other,
 * in a copy of the tree, and demands that a test fails each time.
 *
 * `npm run mutate` tries all; `npm run mutate -- src/proxy` those in files whose path contains the argument.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutation, mutations } from './mutations.ts';

type Verdict = 'noticed' | 'NOT NOTICED' | 'OUTDATED';

const root = join(import.meta.dirname, '..');
const [part = ''] = process.argv.slice(2);
const chosen = mutations.filter(({ file }) => file.includes(part));
const copy = await copyOfTree();
try {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (files.length === 0) throw new Error(`No mutation is in a file like "${part}"`);
  const sound = await failures(files);
  if (sound > 0) throw new Error(`${sound} tests fail before anything is changed: ${files.join(', ')}`);

  const verdicts: Verdict[] = [];
  for (const mutation of chosen) {
    const verdict = await judge(mutation);
    console.log(`${verdict.padEnd(12)} ${mutation.file}: ${mutation.why}`);
    verdicts.push(verdict);
  }
  const noticed = verdicts.filter((verdict) => verdict === 'noticed').length;
  console.log(`${noticed} of ${chosen.length} noticed`);
  if (noticed < chosen.length) process.exitCode = 1;
} finally {
  await rm(copy, { recursive: true });
}

/** The tree as it lies here, without what is large: dependencies are linked. */
async function copyOfTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pyrsia-mutate-'));
  const left = new Set(['.git', 'node_modules', 'coverage']);
  for (const name of await readdir(root)) {
    if (!left.has(name)) await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function judge({ file, find, replace, tests }: Mutation): Promise<Verdict> {
  const path = join(copy, file);
  const source = await readFile(path, 'utf8');
  if (source.split(find).length !== 2) return 'OUTDATED';

  await writeFile(
    path,
    source.replace(find, () => replace),
  );
  const noticed = (await failures(tests)) > 0;
  await writeFile(path, source);
  return noticed ? 'noticed' : 'NOT NOTICED';
}

/** How many tests of these files fail. A file that cannot even be loaded is no test, and an error here. */
async function failures(tests: readonly string[]): Promise<number> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const report = join(copy, 'report.json');
  await rm(report, { force: true });
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${report}`, ...tests];
  spawnSync(process.execPath, args, { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
  const { numTotalTests, numFailedTests } = JSON.parse(await readFile(report, 'utf8'));
  if (numTotalTests === 0) throw new Error(`No test was found, or none could be loaded: ${tests.join(', ')}`);
  return numFailedTests;
}
