import { fc } from '@fast-check/vitest';

// The same examples on every run, so that a red build is red for everyone; SEED=random looks for new ones.
if (process.env['SEED'] !== 'random') fc.configureGlobal({ seed: 1 });

// What npm tells its scripts, and settings of the person who runs the tests, must not reach the tools under test.
for (const name of Object.keys(process.env)) {
  if (/^(npm_|pyrsia_)/i.test(name) && name !== 'PYRSIA_TEST_USER') delete process.env[name];
}
