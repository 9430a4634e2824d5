/**
 * All checks, whichever of them fail: types, lint, format, storeys, dead code.
 *
 *     npm run check
 *
 * @module
 */
import { spawnSync } from 'node:child_process';

const checks = ['types', 'lint', 'format', 'storeys', 'dead'];
const failed = checks.filter((check) => {
  const { status } = spawnSync('npm', ['run', '--silent', `check:${check}`], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return status !== 0;
});
console.log(failed.length > 0 ? `Failed: ${failed.join(', ')}` : `Sound: ${checks.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
