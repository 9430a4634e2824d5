/**
 * The last word on a test run: `12 passed, 0 failed`, and `, 1 skipped` where it applies.
 *
 * Under `CI=true` a skipped test fails the run unless `test/skips.md` names it and says why: a test that
 * quietly stops running is worse than none. There, too, a test that fails is run once more; those that
 * passed only then are named before the closing line, because each of them is a bug of the test or of ours.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/** How the tests of a run ended, by full name (`file > describe > test`). */
export interface Ended {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

/** The closing line, and the skipped tests that nobody has given a reason for. */
export function close(
  { passed, failed, skipped }: Ended,
  skips: string,
): { line: string; unexplained: string[] } {
  const explained = new Set([...skips.matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name));
  const line = `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
  return { line, unexplained: skipped.filter((name) => !explained.has(name)) };
}

/** A vitest reporter that prints the closing line after everything else. */
export default function closingLine(): Reporter {
  return {
    onTestRunEnd(modules, errors) {
      const tests = modules.flatMap((module) =>
        [...module.children.allTests()].map((test) => ({ module, test })),
      );
      const ended = (state: string) => tests.filter(({ test }) => test.result().state === state);
      const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0);

      const { line, unexplained } = close(
        {
          passed: ended('passed').length,
          failed: ended('failed').length + broken.length + errors.length,
          skipped: ended('skipped').map(
            ({ module, test }) => `${module.relativeModuleId} > ${test.fullName}`,
          ),
        },
        readFileSync(new URL('../skips.md', import.meta.url), 'utf8'),
      );
      const unsteady = tests.filter(({ test }) => test.diagnostic()?.flaky);
      const fails = process.env['CI'] === 'true' && unexplained.length > 0;
      if (fails) process.exitCode = 1;
      process.once('exit', () => {
        if (fails) console.log(`Skipped without a reason in test/skips.md:\n${unexplained.join('\n')}`);
        if (unsteady.length > 0) {
          const names = unsteady.map(({ module, test }) => `${module.relativeModuleId} > ${test.fullName}`);
          console.log(`Passed only when run once more:\n${names.join('\n')}`);
        }
        console.log(line);
      });
    },
  };
}
