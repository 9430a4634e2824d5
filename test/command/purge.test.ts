import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { holdOff, keptDirectories, purge } from '../../src/command/purge.ts';
import { startAgent } from '../../src/control/start.ts';
import { runtimeDirectories } from '../../src/paths.ts';
import { world } from '../control/world.ts';

it('No agent starts while its place is taken, and one does afterwards', async () => {
  await using w = world();
  const { runtime } = w.paths;
  expect(holdOff(runtime)).toBeUndefined();
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const hold = holdOff(runtime);
  if (typeof hold !== 'object') throw new Error('It is taken');
  const starting = startAgent(w.paths, runtime, { entry: w.entry('1.0.0'), env: w.env });
  await expect.poll(() => starting.running, { timeout: 5000 }).toBe(false);
  expect(await w.find()).toBeUndefined();

  hold.release();
  await using agent = await w.connect();
  expect(agent.hello.pyrsia).toBe('1.0.0');
  expect(holdOff(runtime)).toBe('busy');
});

it('A runtime directory that others may write is left alone, and named', async () => {
  await using w = world();
  const { runtime } = w.paths;
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  chmodSync(dirname(runtime), 0o777);
  const { left } = purge(w.paths, w.env, w.home);
  expect(left).toEqual([{ path: runtime, reason: expect.stringContaining('is open to others (mode 777)') }]);
  expect(existsSync(runtime)).toBe(true);
});

it('The runtime directories of others who share the one above stay', async () => {
  await using w = world();
  const others = join(dirname(w.paths.runtime), '0123456789ab');
  for (const path of [w.paths.runtime, others]) mkdirSync(path, { recursive: true, mode: 0o700 });
  writeFileSync(join(others, 'agent.lock'), '');
  expect(purge(w.paths, w.env, w.home)).toEqual({ left: [], above: [] });
  expect([existsSync(w.paths.runtime), existsSync(others)]).toEqual([false, true]);
});

it('Only what an agent makes again tells its cache from a directory of somebody else', async () => {
  await using w = world();
  for (const name of ['content', 'partial']) mkdirSync(join(w.paths.cache, name), { recursive: true });
  writeFileSync(join(w.paths.cache, 'thesis.txt'), '');
  expect(purge(w.paths, w.env, w.home).left).toMatchObject([{ path: w.paths.cache }]);
  rmSync(join(w.paths.cache, 'thesis.txt'));
  expect(purge(w.paths, w.env, w.home).left).toEqual([]);
  expect(existsSync(w.paths.cache)).toBe(false);
});

it('Only what is there counts as kept', async () => {
  await using w = world();
  expect(keptDirectories(w.paths, w.env)).toEqual([]);
  mkdirSync(w.paths.state, { recursive: true });
  expect(keptDirectories(w.paths, w.env)).toEqual([{ what: 'state', path: w.paths.state }]);
  expect(runtimeDirectories(w.env)).toContain(w.paths.runtime);
});
