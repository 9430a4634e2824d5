import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

/** A house with nothing but these files, and our rules. */
async function houseOf(files: Readonly<Record<string, string>>): Promise<string> {
  const house = await mkdtemp(join(tmpdir(), 'pyrsia-house-'));
  onTestFinished(() => rm(house, { recursive: true }));
  for (const rules of ['.dependency-cruiser.js', 'knip.json', 'package.json', 'scripts', 'tsconfig.json']) {
    await cp(rules, join(house, rules), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(house, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(house, path)), { recursive: true });
    await writeFile(join(house, path), text);
  }
  return house;
}

function run(house: string, ...command: readonly [string, ...string[]]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: house, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

const storeys = (house: string) => run(house, 'scripts/storeys.ts');

describe('check:storeys', () => {
  it('is content with imports that point down', async () => {
    const house = await houseOf({
      'src/content/digest.ts': 'export const digest = 1;',
      'src/cache/store.ts': "import { digest } from '../content/digest.ts';\nexport const store = digest;",
    });
    expect(storeys(house)).toMatchObject({ status: 0 });
  });

  it.each([
    ['up', 'content/a.ts', '../cache/b.ts', 'not-up-from'],
    ['up, for a type only', 'verify/a.ts', '../proxy/b.ts', 'not-up-from'],
    ['sideways', 'cache/a.ts', '../p2p/b.ts', 'not-sideways-from-cache'],
    ['from a folder without a storey', 'helpers/a.ts', '../cache/b.ts', 'every-folder-has-a-storey'],
  ])('refuses an import that points %s', async (how, from, to, rule) => {
    const word = how.includes('type') ? 'import type' : 'import';
    const house = await houseOf({
      [`src/${from}`]: `${word} { b } from '${to}';\nexport const a = (x: typeof b) => x;\n${word === 'import' ? 'a(b);' : ''}`,
      [join('src', dirname(from), to)]: 'export const b = 1;',
      'src/main.ts': `import './${from}';`,
    });
    const { status, said } = storeys(house);
    expect(said).toContain(rule);
    expect(status).toBe(1);
  });

  it('refuses I/O in the pure parts, and a package away from its home', async () => {
    const house = await houseOf({
      'src/verify/a.ts': "import 'node:fs';",
      'src/resolve/b.ts': "import 'undici';",
    });
    expect(storeys(house).said).toMatch(
      /pure: src\/verify\/a\.ts[^]*undici-stays-in-proxy|undici-stays-in-proxy[^]*pure/,
    );
  });

  it('is red when it finds nothing to check', async () => {
    const house = await houseOf({ 'src/nothing.md': '' });
    expect(storeys(house)).toEqual({ status: 1, said: expect.stringContaining('nothing has been checked') });
  });
});

describe('check:dead', () => {
  it('refuses an export that nobody uses', async () => {
    const house = await houseOf({
      'src/main.ts': "import { used } from './errors.ts';\nused();",
      'src/errors.ts': 'export const used = () => 1;\nexport const forgotten = () => 2;',
    });
    const { status, said } = run(house, 'node_modules/knip/bin/knip.js', '--include', 'exports');
    expect(said).toContain('forgotten');
    expect(said).not.toMatch(/^used /m);
    expect(status).toBe(1);
  });
});
