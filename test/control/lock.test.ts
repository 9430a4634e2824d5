import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { tryLock } from '../../src/control/lock.ts';

it('has one holder at a time, and none after release or death', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pyrsia-control-'));
  const path = join(directory, 'a.lock');
  const module = pathToFileURL(join(import.meta.dirname, '../../src/control/lock.ts')).href;
  const program = `import { tryLock } from ${JSON.stringify(module)};
    console.log(tryLock(${JSON.stringify(path)}) ? 'held' : 'busy'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  expect(String(said)).toBe('held\n');
  expect(tryLock(path)).toBeUndefined();

  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = tryLock(path)!;
  expect(tryLock(path)).toBeUndefined();
  lock.release();
  tryLock(path)!.release();

  expect(() => tryLock(join(directory, 'missing', 'a.lock'))).toThrow(/unable to open/);
  rmSync(directory, { recursive: true });
});
