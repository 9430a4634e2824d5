/**
 * What becomes of `npm i` when upstream answers with documents that are none.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENT_LIMIT } from '../../src/proxy/documents.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import type { Misbehaviour } from '../fixtures/registry/registry.ts';
import { openWorld, type World } from './everyday-world.ts';

const cases: readonly [what: string, Misbehaviour, came: RegExp][] = [
  ['invalid JSON', { kind: 'invalid-json' }, /it ends too early \(\d+ bytes of application\/\S*json came\)/],
  [
    'a captive portal',
    { kind: 'captive-portal' },
    /unexpected byte at 0 \(\d+ bytes of text\/html; charset=utf-8 came\)/,
  ],
  ['broken gzip', { kind: 'broken-gzip' }, /broken gzip: .+ \(\d+ bytes of application\/\S*json came\)/],
  ['half a document', { kind: 'cut-short' }, /broke off: connection closed before the answer was complete/],
  ['another package', { kind: 'renamed', to: 'evil' }, /it is about "evil"/],
  ['nothing but 503', { kind: 'status', status: 503 }, /status 503/],
  [
    'more than a document may have',
    { kind: 'huge-document', bytes: DOCUMENT_LIMIT + 1 },
    /larger than the limit of 134217728 bytes/,
  ],
  ['silence', { kind: 'hang' }, /no answer within 0\.7 s/],
];

describe('npm i, when upstream sends', { timeout: 60_000 }, () => {
  let opened: World;
  beforeAll(async () => {
    const packages = cases.map((_, at) => makePackage({ name: `left${at}`, version: '1.0.0' }));
    opened = await openWorld({ packages, npmrc: { 'fetch-retries': 2 } });
    await opened.sandbox.pyrsia(['config', 'set', 'upstream.timeout', '700ms']);
  }, 60_000);
  afterAll(async () => {
    expect(await opened.verify()).toMatchObject({ code: 0 });
    await opened[Symbol.asyncDispose]();
  });

  it.each(cases)('%s, fails at once without a copy, and goes on with one', async (_, day, came) => {
    const { registry, sandbox, afresh } = opened;
    const name = `left${cases.findIndex(([, each]) => each === day)}`;
    const { dir: cwd } = await sandbox.project({ dependencies: { [name]: '^1.0.0' }, lockfile: 'none' });
    const install = async () => {
      for (const path of ['node_modules', 'package-lock.json'])
        rmSync(join(cwd, path), { recursive: true, force: true });
      registry.log.clear();
      return afresh(['npm', 'i'], { cwd });
    };
    const misbehave = () => registry.misbehave({ ...day, match: `/${name}` });

    misbehave();
    const failed = await install();
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/E424[^]*npm error 424 /);
    expect(failed.stderr).toContain(`${registry.url}${name}`);
    expect(failed.stderr).toMatch(came);

    registry.behave();
    // What answered nobody is left alone for a while, except by another agent.
    if (day.kind === 'hang') await sandbox.pyrsia(['agent', 'stop']);
    expect(await install()).toMatchObject({ code: 0 });

    // So that the copy is not simply what upstream still has.
    await registry.publish(makePackage({ name, version: '1.1.0' }));
    misbehave();
    const { code, stderr } = await install();
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/1 package · 1 cache · 1 verified · 1 stale document/);
    expect(registry.log.documents().length).toBeGreaterThan(0);
    const { notes } = await opened.last();
    expect(notes).toEqual([expect.stringMatching(/^documents are taken from the cache: /)]);
    expect(notes[0]).toMatch(came);
    expect((await opened.status()).peakRss).toBeLessThan(400e6);
    registry.behave();
  });
});
