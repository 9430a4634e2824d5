import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWrapper, unpackWrapped, type WrappedMaven } from '../../src/shims/maven-wrapper.ts';

const PATH = 'org/apache/maven/apache-maven/3.9.9/apache-maven-3.9.9-bin.zip';

let root: string;
let script: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wrapper-'));
  script = join(root, 'mvnw');
  writeFileSync(script, '#!/bin/sh\nhash_string() { :; }\n');
  mkdirSync(join(root, '.mvn', 'wrapper'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const read = async (lines: string, env: Record<string, string> = {}): Promise<WrappedMaven | undefined> => {
  writeFileSync(join(root, '.mvn', 'wrapper', 'maven-wrapper.properties'), lines);
  return readWrapper(script, { HOME: root, ...env });
};

describe('What mvnw runs', () => {
  it('is where the script looks for it, from the address that it would ask', async () => {
    const home = join(root, '.m2/wrapper/dists/apache-maven-3.9.9');
    // By `hash_string https://example.org/m2/…` of the script.
    expect(await read(`wrapperVersion=3.3.2\ndistributionUrl= https://example.org/m2/${PATH} \r\n`)).toEqual({
      home: join(home, 'ec4d9f30'),
      url: `https://example.org/m2/${PATH}`,
      repository: 'https://example.org/m2/',
      version: '3.9.9',
    });
    expect(
      await read(`distributionUrl=https://example.org/m2/${PATH}\ndistributionSha256Sum=ab\n`, {
        MVNW_REPOURL: 'https://mirror.example/all',
        MAVEN_USER_HOME: '/elsewhere',
      }),
    ).toMatchObject({
      home: expect.stringMatching(/^\/elsewhere\/wrapper\/dists\/apache-maven-3\.9\.9\/[0-9a-f]+$/),
      repository: 'https://mirror.example/all/',
      sha256: 'ab',
    });
  });

  it.each([
    [
      'of another version than its folder',
      `distributionUrl=https://example.org/m2/${PATH.replace('/3.9.9/', '/3.9.8/')}`,
    ],
    ['with a password in its address', `distributionUrl=https://me:secret@example.org/m2/${PATH}`],
    ['of no repository', 'distributionUrl=https://example.org/apache-maven-3.9.9-bin.zip'],
    ['not named', ''],
  ])('is left to the script: %s', async (_, lines) => {
    expect(await read(lines)).toBeUndefined();
  });

  it('is left to a script that shows who its user is, and to one that fetches with a jar', async () => {
    const lines = `distributionUrl=https://example.org/m2/${PATH}`;
    expect(await read(lines, { MVNW_USERNAME: 'me', MVNW_PASSWORD: 'secret' })).toBeUndefined();
    writeFileSync(script, '#!/bin/sh\nexec java -jar maven-wrapper.jar\n');
    expect(await read(lines)).toBeUndefined();
  });
});

const wrapped = (more: Partial<WrappedMaven> = {}): WrappedMaven => ({
  home: join(root, 'dists', 'hash'),
  url: 'https://example.org/it.zip',
  repository: 'https://example.org/',
  version: '3.9.9',
  ...more,
});

describe('What is unpacked for mvnw', () => {
  const content = zipSync({
    'apache-maven-3.9.9/bin/mvn': [strToU8('#!/bin/sh\n'), { os: 3, attrs: 0o755 << 16 }],
  });
  beforeEach(() => writeFileSync(join(root, 'it.zip'), content));

  it('can be run, and names where it is from', async () => {
    const sha256 = createHash('sha256').update(content).digest('hex').toUpperCase();
    await unpackWrapped(wrapped({ sha256 }), join(root, 'it.zip'));
    await unpackWrapped(wrapped(), join(root, 'it.zip')); // As another one may do at the same time.
    expect(statSync(join(root, 'dists/hash/bin/mvn')).mode & 0o111).toBe(0o111);
    expect(readFileSync(join(root, 'dists/hash/mvnw.url'), 'utf8')).toBe('https://example.org/it.zip\n');
  });

  it('is what the project says', async () => {
    await expect(
      unpackWrapped(wrapped({ sha256: '0'.repeat(64) }), join(root, 'it.zip')),
    ).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(existsSync(join(root, 'dists'))).toBe(false);
  });
});
