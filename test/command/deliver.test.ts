import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliver } from '../../src/command/deliver.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { Pulled } from '../../src/control/protocol.ts';

const bytes = Buffer.from('a tarball');
let directory: string;
let pulled: Pulled;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-deliver-'));
  const path = join(directory, 'cached');
  writeFileSync(path, bytes);
  mkdirSync(join(directory, 'out'));
  pulled = {
    purl: 'pkg:npm/%40types/node@24.0.0',
    digest: digestOf(bytes, 'sha256'),
    bytes: bytes.byteLength,
    source: 'cache',
    word: 'declared',
    by: 'the registry',
    rung: 'registry digest',
    upstream: 'npm',
    path,
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const out = (...names: string[]): string => join(directory, 'out', ...names);

describe('what was pulled', () => {
  it('is written to a file, or into a directory under the package’s own name', async () => {
    expect(await deliver(pulled, out('mine'))).toBe(out('mine'));
    expect(await deliver(pulled, out())).toBe(out('types-node-24.0.0.tgz'));
    for (const name of readdirSync(out())) expect(readFileSync(out(name))).toEqual(bytes);
  });

  it.each([
    ['other bytes', 'b tarball', 'DIGEST_MISMATCH'],
    ['too few', 'a tar', 'SIZE_MISMATCH'],
    ['too many', 'a tarball and more', 'SIZE_MISMATCH'],
  ])('is not written when the file in the cache has %s by now, and leaves nothing', async (_, text, code) => {
    writeFileSync(pulled.path, text);
    await expect(deliver(pulled, out('mine'))).rejects.toMatchObject({ code });
    expect(readdirSync(out())).toEqual([]);
  });

  it('leaves what was there before when it cannot be written', async () => {
    writeFileSync(out('mine'), 'theirs');
    writeFileSync(pulled.path, 'b tarball');
    await expect(deliver(pulled, out('mine'))).rejects.toThrow('does not match its digest');
    expect(readFileSync(out('mine'), 'utf8')).toBe('theirs');
  });
});
