import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signer, vkey } from '../log/signers.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { type ServedLog, serveLog } from '../trust/served-log.ts';
import { sha256Of } from '../trust/grown-log.ts';

let home: Sandbox;
let log: ServedLog;
const pyrsia = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  home.pyrsia(args, { cwd: home.home, env });
const at = (name: string): string => join(home.home, name);

beforeAll(async () => {
  home = openSandbox();
  log = await serveLog();
  log.append([
    { purl: 'pkg:npm/left@1.0.0', bytes: 'left' },
    { purl: 'pkg:npm/left@1.1.0', bytes: 'left 1.1', observers: 3 },
    { purl: 'pkg:docker/library/nginx@latest', bytes: 'nginx', upstream: 'https://images.example/' },
  ]);
  log.append([{ purl: 'pkg:docker/library/nginx@latest', bytes: 'nginx later' }]);
  log.dispute('pkg:maven/org.example/right@2.0.0', ['these', 'those']);
  writeFileSync(at('own.policy'), log.networkText);
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

describe('pyrsia network', () => {
  it('create makes one file and one key, which its creator keeps', async () => {
    const cards = [1, 2, 3, 4].map((n) => {
      const lines = [
        `organisation org${n}`,
        `url http://127.0.0.1:${n}/`,
        `log ${vkey(signer(`log${n}.example`, 100 + n))}`,
        `cosign ${vkey(signer(`org${n}.example`, 110 + n, 'cosignature/v1'))}`,
        `attest ${vkey(signer(`org${n}.example`, 120 + n))}`,
        '',
      ];
      writeFileSync(at(`${n}.card`), lines.join('\n'));
      return `${n}.card`;
    });
    const made = await pyrsia(['network', 'create', 'net.example', ...cards, '--json']);
    expect(made.code).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({
      witnesses: ['org1', 'org2', 'org3', 'org4'],
      places: ['http://127.0.0.1:1/', 'http://127.0.0.1:2/', 'http://127.0.0.1:3/', 'http://127.0.0.1:4/'],
    });
    expect(statSync(at('net.example.key')).mode & 0o777).toBe(0o600);
    // Made anew for others it is signed by the same key.
    const again = await pyrsia(['network', 'create', 'net.example', ...cards.slice(0, 3), '--json']);
    expect(JSON.parse(again.stdout).network).toBe(JSON.parse(made.stdout).network);
    const twice = await pyrsia(['network', 'create', 'net.example', cards[0]!, cards[0]!]);
    expect([twice.code, twice.stderr]).toEqual([
      1,
      expect.stringContaining('organisation org1 is there twice'),
    ]);
  });

  it('60: is joined by a file, and says that its log was never read', async () => {
    expect(await pyrsia(['network', 'info'])).toMatchObject({ code: 5 });
    const joined = await pyrsia(['network', 'join', 'own.policy']);
    expect(joined).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/must cosign +3 of 4: org1, org2/),
    });
    const info = await pyrsia(['network', 'info'], { PYRSIA_OFFLINE: '1' });
    expect(info.stdout).toMatch(/entries +never read/);
    expect(log.requests).toEqual([]);
  });

  it('22: is not replaced by another one unless that is asked for, nor loosened by whoever has no key', async () => {
    const other = await pyrsia(['network', 'join', 'net.example.policy']);
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining('you believe the network')]);
    writeFileSync(at('loose.policy'), log.networkText.replace('authorities 3', 'authorities 1'));
    const loose = await pyrsia(['network', 'join', 'loose.policy', '--replace']);
    expect([loose.code, loose.stderr]).toEqual([3, expect.stringContaining('not signed by its key')]);
  });
});

describe('pyrsia log, of one’s own network', () => {
  it('sync copies what is new', async () => {
    const first = await pyrsia(['log', 'sync', '--json']);
    expect(JSON.parse(first.stdout)).toMatchObject({ size: 8, added: 8 });
    log.append([{ purl: 'pkg:npm/new@1.0.0', bytes: 'new' }]);
    log.requests.length = 0;
    expect(JSON.parse((await pyrsia(['log', 'sync', '--json'])).stdout)).toMatchObject({
      size: 10,
      added: 2,
    });
    expect((await pyrsia(['network', 'info'])).stdout).toMatch(/entries +10\nvouched for +20/);
  });

  it('search finds by package, image, upstream, observer and time, the newest alone where asked', async () => {
    const search = async (...flags: string[]): Promise<{ purl: string; sha256: string }[]> => {
      const { stdout, code } = await pyrsia(['log', 'search', '--json', ...flags], { PYRSIA_OFFLINE: '1' });
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const purls = async (...flags: string[]) => (await search(...flags)).map(({ purl }) => purl);
    expect(await purls('left')).toEqual(['pkg:npm/left@1.0.0', 'pkg:npm/left@1.1.0']);
    expect(await purls('--package', 'npm:left@1.1.0')).toEqual(['pkg:npm/left@1.1.0']);
    expect(await purls('--package', 'npm:lef')).toEqual([]);
    expect(await purls('--package', 'maven:org.example:right')).toEqual([
      'pkg:maven/org.example/right@2.0.0',
    ]);
    expect(await purls('--upstream', 'images.example')).toEqual(['pkg:docker/library/nginx@latest']);
    expect(await purls('--observer', 'org4.example', '--package', 'npm:left')).toEqual([
      'pkg:npm/left@1.0.0',
    ]);
    expect(await purls('--since', '2100-01-01')).toEqual([]);
    const recent = await purls('--since', '2020-01-01', '--package', 'npm:left');
    expect(recent).toEqual(['pkg:npm/left@1.0.0', 'pkg:npm/left@1.1.0']);
    expect(await purls('--since', '10000d', '--image', 'nginx', '--latest')).toHaveLength(1);
    expect(await pyrsia(['log', 'search', '--since', 'never'])).toMatchObject({ code: 2 });
    const shown = await pyrsia(['log', 'search', '--package', 'npm:left@1.1.0']);
    expect(shown.stdout).toMatch(
      /^INDEX {2}KIND +PURL +SHA256 +TIME +OBSERVERS\n +\d+ {2}observe {2}pkg:npm\/left@1\.1\.0 /,
    );
    // 53: a tag is what it was at a time; both are told, with digest and time.
    expect((await search('--image', 'nginx')).map(({ sha256 }) => sha256)).toEqual([
      sha256Of('nginx'),
      sha256Of('nginx later'),
    ]);
    expect((await search('--image', 'nginx', '--latest')).map(({ sha256 }) => sha256)).toEqual([
      sha256Of('nginx later'),
    ]);
    const dispute = await search('--fields', 'kind,sha256', 'right');
    expect(dispute).toEqual([{ kind: 'dispute', sha256: `${sha256Of('these')} ${sha256Of('those')}` }]);
    const csv = await pyrsia(['log', 'search', 'new', '--csv', '--fields', 'purl,sha256']);
    expect(csv.stdout).toBe(`purl,sha256\npkg:npm/new@1.0.0,${sha256Of('new')}\n`);
    expect(await pyrsia(['log', 'search', '--fields', 'nothing'])).toMatchObject({ code: 2 });
  });

  it('tail shows the end', async () => {
    const { stdout } = await pyrsia(['log', 'tail', '-n', '2']);
    expect(stdout).toMatch(/^INDEX {2}KIND[^]*\n +8 {2}observe {2}pkg:npm\/new@1.0.0[^]*\n +9 {2}block/);
    const fields = ['log', 'tail', '-n', '2', '--fields', 'index,kind'];
    expect((await pyrsia([...fields, '--csv'])).stdout).toBe('index,kind\n8,observe\n9,block\n');
    expect(JSON.parse((await pyrsia([...fields, '--json'])).stdout)).toEqual([
      { index: 8, kind: 'observe' },
      { index: 9, kind: 'block' },
    ]);
  });

  it('59: is searched offline without a name being looked up', async () => {
    const command = home.pyrsiaCommand(['log', 'search', 'left', '--json']);
    const { code, stdout } = await home.run(
      'strace',
      ['-f', '-o', at('trace'), '-e', 'trace=socket,connect', ...command],
      { cwd: home.home, env: { PYRSIA_OFFLINE: '1' } },
    );
    expect([code, JSON.parse(stdout).length]).toEqual([0, 2]);
    expect(readFileSync(at('trace'), 'utf8')).not.toMatch(/AF_INET|resolv/);
  });

  it('verify --repair takes from another copy what is missing or cut, and nothing that is not proven', async () => {
    for (const [path, bytes] of log.files) {
      mkdirSync(join(at('copy'), path, '..'), { recursive: true });
      writeFileSync(join(at('copy'), path), bytes);
    }
    const width = Number(log.head().size);
    writeFileSync(at(`copy/tile/entries/000.p/${width}`), 'cut');
    writeFileSync(at(`copy/tile/0/000.p/${width}`), Buffer.alloc(32 * width, 7));
    const verify = ['log', 'verify', 'copy', '--policy', 'own.policy'];
    expect(await pyrsia(verify)).toMatchObject({ code: 3 });
    const repaired = await pyrsia([...verify, '--repair', log.url, '--json']);
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      entries: width,
      repaired: [`tile/0/000.p/${width}`, `tile/entries/000.p/${width}`],
    });
    expect(await pyrsia(verify)).toMatchObject({ code: 0 });
  });

  it('leave forgets whom to believe', async () => {
    expect(await pyrsia(['network', 'leave'])).toMatchObject({ code: 0 });
    expect(await pyrsia(['log', 'tail'])).toMatchObject({ code: 5 });
  });
});
