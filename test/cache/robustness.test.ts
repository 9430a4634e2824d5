import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { Stored } from '../../src/content/source.ts';
import { bytesOf } from '../conformance/store.ts';
import { asUser, unprivileged } from '../support/user.ts';
import { CHILD } from './child.ts';
import { bindingOf, cacheIn, filesBelow, temporaryDirectory } from './world.ts';

/** Starts one that stores for ever, resolves when it is at work. */
async function startWriter(path: string) {
  const writer = spawn(process.execPath, [CHILD, 'forever', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(writer.stdout, 'data');
  return writer;
}

async function kill(writer: Awaited<ReturnType<typeof startWriter>>): Promise<void> {
  const gone = once(writer, 'exit');
  writer.kill('SIGKILL');
  const [code] = writer.exitCode === null ? await gone : [writer.exitCode];
  // It goes on for ever, whatever those before it have left.
  expect(code).toBeNull();
}

describe('a writer that is killed at any moment', () => {
  it('leaves a clean cache, and nothing in partial/ after gc', { timeout: 120_000 }, async () => {
    const path = join(temporaryDirectory(), 'cache');
    for (let round = 0; round < 10; round++) {
      const writer = await startWriter(path);
      await sleep(Math.random() * 150);
      await kill(writer);

      await using cache = await openCache(path, { limit: 12e6 });
      expect(cache.readOnlyBecause).toBeUndefined();
      expect(await cache.verify()).toMatchObject({ damaged: [], damagedDocuments: [] });
      await cache.gc();
      const left = readdirSync(join(path, 'partial'));
      expect(left.filter((name) => !name.startsWith('sha512-'))).toEqual([]);
      expect(await cache.verify()).toMatchObject({ damaged: [], orphans: 0 });
      expect(cache.artifacts().length).toBeGreaterThan(0);
      expect(await cache.verify({ rebuild: true })).toMatchObject({ damaged: [], damagedDocuments: [] });
    }
  });
});

describe('a reader', () => {
  it(
    'reads beside a writer that lives, that was killed, and that has closed',
    { timeout: 30_000 },
    async () => {
      const path = join(temporaryDirectory(), 'cache');
      const writer = await startWriter(path);
      await using reader = await openCache(path, { readOnly: true });
      const before = reader.artifacts().length;
      expect(before).toBeGreaterThan(0);
      await expect.poll(() => reader.artifacts().length).not.toBe(before);

      await kill(writer);
      const left = filesBelow(path);
      await using afterKill = await openCache(path, { readOnly: true });
      const artifacts = afterKill.artifacts({ sort: 'name' });
      expect(artifacts.length).toBeGreaterThan(0);
      expect(filesBelow(path)).toEqual(left);

      await (await openCache(path))[Symbol.asyncDispose]();
      expect(afterKill.artifacts({ sort: 'name' })).toEqual(artifacts);
      expect(reader.artifacts({ sort: 'name' })).toEqual(artifacts);
    },
  );

  it('creates no file beside a catalogue that nobody writes, and sees it when somebody does again', async () => {
    const { path, ...writer } = await filled();
    await writer.close();
    const files = filesBelow(path);
    expect(files).not.toContain('catalogue.sqlite-wal');

    const reader = await cacheIn(path, { readOnly: true });
    expect(reader.artifacts().map(({ name }) => name)).toEqual(['known']);
    expect(await bytesOf((await reader.content.open({ digests: [reader.artifacts()[0]!.digest] }))!)).toEqual(
      Buffer.from('known'),
    );
    expect(filesBelow(path)).toEqual(files);

    await using again = await openCache(path);
    const stored = await again.content.put({ digests: [] }, [Buffer.from('second')]);
    await again.bindings.put(bindingOf(stored, 'second'));
    expect(reader.artifacts({ sort: 'name' }).map(({ name }) => name)).toEqual(['known', 'second']);
  });

  it('remembers first uses as long as it lives, but overrules none that is on the disk', async () => {
    const { path, close } = await filled();
    await close();
    const reader = await cacheIn(path, { readOnly: true });
    const known = reader.bindings.find({ ecosystem: 'npm', name: 'known' })[0]!;
    const other: Stored = { digests: [digestOf(Buffer.from('other'), 'sha256')], size: 5 };
    await reader.bindings.put(bindingOf(other, 'known'));
    expect(reader.bindings.get(known)).toEqual(known);
    await reader.bindings.put(bindingOf(other, 'known', { reason: 'it was repaired' }));
    expect(reader.bindings.get(known)).toMatchObject({ digests: other.digests, reason: 'it was repaired' });
    await reader.bindings.put(bindingOf(other, 'fresh'));
    expect(reader.bindings.find({ digest: other.digests[0] })).toHaveLength(2);
  });

  it('finds an empty cache where there is none, and makes none', async () => {
    const path = join(temporaryDirectory(), 'nowhere');
    const reader = await cacheIn(path, { readOnly: true });
    expect(reader.artifacts()).toEqual([]);
    expect(reader.size()).toMatchObject({ artifacts: 0, bytes: 0 });
    expect(await reader.verify()).toMatchObject({ checked: 0, damaged: [] });
    expect(reader.readOnlyBecause).toBeDefined();
    expect(() => statSync(path)).toThrow('ENOENT');
  });
});

const documentKey = (n: number) => ({ upstream: 'npm', path: `/p${n}`, accept: '*/*' });

describe('a cache that cannot be written', () => {
  it('because a file is in its place, works in memory', async () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, 'in the way');
    expect(unwritable(path)).toMatchObject({
      readOnlyBecause: expect.stringContaining('EEXIST'),
      put: 'CACHE_READ_ONLY',
      binding: true,
      document: 2000,
    });
  });

  it('keeps no more than 64 MiB of documents, the latest', async () => {
    const cache = await cacheIn(undefined, { readOnly: true });
    const body = Buffer.alloc(20 * 2 ** 20);
    const put = async (n: number) =>
      cache.documents.put({ ...documentKey(n), body, headers: {}, checkedAt: n, private: false });
    for (const n of [1, 2, 3, 3, 4]) await put(n);
    const kept = await Promise.all([1, 2, 3, 4].map(async (n) => cache.documents.get(documentKey(n))));
    expect(kept.map((document) => document !== undefined)).toEqual([false, true, true, true]);
  });

  const who = unprivileged();
  it.skipIf(!who.possible).each(['closed', 'killed', 'uncatalogued'])(
    'is read all the same, without creating a file, its writer %s',
    async (how) => {
      if (!who.possible) return;
      const { user } = who;
      const { path, close } = await filled();
      if (how === 'killed') {
        // As it is found after a kill: with the log that nobody has folded in.
        const copy = `${path}-copy`;
        execFileSync('cp', ['-a', path, copy]);
        execFileSync('rm', ['-r', path]);
        execFileSync('mv', [copy, path]);
      }
      await close();
      if (how === 'uncatalogued') execFileSync('rm', [join(path, 'catalogue.sqlite')]);
      const files = filesBelow(path);
      expect(files.includes('catalogue.sqlite-wal')).toBe(how === 'killed');

      for (const each of ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
        const full = join(path, each);
        if (process.getuid?.() === 0) chownSync(full, user.uid, user.gid);
        chmodSync(full, statSync(full).isDirectory() ? 0o555 : 0o444);
      }
      if (process.getuid?.() === 0) chmodSync(join(path, '..'), 0o755);

      expect(unwritable(path, user)).toMatchObject({
        readOnlyBecause: expect.stringContaining('EACCES'),
        names: ['known'],
        read: 'known',
        bound: true,
        binding: true,
        document: 2000,
        oldDocument: 2000,
        put: 'CACHE_READ_ONLY',
        delete: 'CACHE_READ_ONLY',
        partial: 'CACHE_READ_ONLY',
        gc: 'CACHE_READ_ONLY',
        damaged: [],
      });
      expect(filesBelow(path)).toEqual(files);
      for (const each of ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
        const full = join(path, each);
        if (statSync(full).isDirectory()) chmodSync(full, 0o755);
      }
    },
  );
});

describe('a full disk', () => {
  it.skipIf(!canMount())('fails what does not fit, leaves nothing of it, and keeps what is there', () => {
    const path = join(temporaryDirectory(), 'disk');
    mkdirSync(path);
    const mount = 'mount -t tmpfs -o size=8m tmpfs "$1" && shift && exec "$@"';
    const command = ['sh', '-c', mount, 'sh', path, process.execPath, CHILD, 'fullDisk', join(path, 'cache')];
    const seen: unknown = JSON.parse(inNamespace(...command));
    expect(seen).toEqual({
      full: 'CACHE_READ_ONLY',
      large: 'CACHE_READ_ONLY',
      growing: 'CACHE_READ_ONLY',
      reader: 'CACHE_READ_ONLY',
      document: 'CACHE_READ_ONLY',
      read: true,
      rubbish: [],
      damaged: [],
      orphans: 0,
      again: 'none',
    });
  });
});

/** A writer's cache with one package and one document. */
async function filled() {
  const cache = await cacheIn();
  await cache.bindings.put(
    bindingOf(await cache.content.put({ digests: [] }, [Buffer.from('known')]), 'known'),
  );
  const document = {
    upstream: 'npm',
    path: '/old',
    accept: '*/*',
    body: Buffer.alloc(2000),
    headers: {},
    checkedAt: 1,
    private: false,
  };
  await cache.documents.put(document);
  return { path: cache.path, close: async () => cache[Symbol.asyncDispose]() };
}

/** What a process sees that opens a cache which it may not write. */
function unwritable(path: string, user?: Parameters<typeof asUser>[0]): unknown {
  const command = [process.execPath, CHILD, 'unwritable', path] as const;
  const [program, ...args] = user ? asUser(user, command) : command;
  return JSON.parse(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

/** What a command prints that may mount: as root, or where that is allowed in a user namespace. */
function inNamespace(...command: string[]): string {
  const [program, ...args] = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', ...command] as const;
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

function canMount(): boolean {
  try {
    inNamespace('mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
    return true;
  } catch {
    return false;
  }
}
