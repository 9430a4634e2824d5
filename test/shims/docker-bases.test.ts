import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { basesOf } from '../../src/shims/docker-bases.ts';

const TEXT = 'FROM images.example/base:1\n';

describe('What a build is based on', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'bases-'));
  });
  afterEach(async () => rm(cwd, { recursive: true }));

  it('is read from a file', async () => {
    writeFileSync(join(cwd, 'Dockerfile'), TEXT);
    const found = await basesOf(['build', '.'], { cwd, env: {} });
    expect(found?.images).toEqual([{ name: 'images.example/base:1' }]);
  });

  it('is not read from a file that has the name of one elsewhere', async () => {
    writeFileSync(join(cwd, 'D'), TEXT);
    const files = async (context: string) => basesOf(['build', '-f', 'D', context], { cwd, env: {} });
    expect((await files('.'))?.images).toHaveLength(1);
    for (const context of ['-', 'https://images.example/x.git']) expect(await files(context)).toBeUndefined();
  });

  it('is for the machine that is built for, but where it says that it is not', async () => {
    writeFileSync(join(cwd, 'Dockerfile'), 'FROM --platform=$BUILDPLATFORM a\nFROM b\n');
    const found = await basesOf(['build', '--platform', 'linux/arm64', '.'], { cwd, env: {} });
    expect(found?.images).toEqual([{ name: 'a' }, { name: 'b', platform: 'linux/arm64' }]);
  });

  it('is not read from a pipe, of which docker would have the rest', async () => {
    const path = join(cwd, 'pipe');
    execFileSync('mkfifo', [path]);
    await using pipe = await open(path, 'r+');
    await pipe.write(TEXT);
    expect(await basesOf(['build', '-f', path, '.'], { cwd, env: {} })).toBeUndefined();
    const { buffer, bytesRead } = await pipe.read(Buffer.alloc(100));
    expect(buffer.toString('utf8', 0, bytesRead)).toBe(TEXT);
  });
});
