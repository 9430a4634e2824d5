import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkpoint, log, policyText, vkey, witnesses } from '../log/signers.ts';
import { entriesOf, memoryLog } from '../log/memory-log.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const key = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const foreign = resolve('test/data/tlog-tessera');
let home: Sandbox;
const pyrsia = (...args: string[]) => home.pyrsia(['log', ...args], { cwd: home.home });
const at = (name: string): string => join(home.home, name);

beforeAll(() => {
  home = openSandbox();
});
afterAll(() => home[Symbol.asyncDispose]());

describe('pyrsia log verify', () => {
  it('reads the whole of a foreign log, and compares it with checkpoints that were kept', async () => {
    const older = Array.from({ length: 16 }, (_, n) => [
      '--extends',
      join(foreign, `checkpoint.${n}`),
    ]).flat();
    const { stdout, code } = await pyrsia('verify', foreign, '--key', key, ...older, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      origin: 'example.com/log/testdata',
      size: 15,
      root: 'rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=',
      log: 'example.com/log/testdata',
      cosignatures: [],
      entries: 15,
      extends: Array.from({ length: 16 }, (_, n) => n),
    });
  });

  it('says what it has proven', async () => {
    const { stdout } = await pyrsia('verify', foreign, '--key', key);
    expect(stdout).toMatch(
      /^log +example\.com\/log\/testdata\nsize +15\n[^]*cosigned by +nobody whom you know\nproven +all 15 entries\n$/,
    );
  });

  it.each([
    ['an entry', 'tile/entries/000.p/15', 'Refused entry 0 of'],
    ['a hash', 'tile/0/000.p/15', 'Refused the tree of'],
    ['the signature', 'checkpoint', 'the signature of example.com/log/testdata does not match'],
  ])('refuses a log of which %s is another', async (_, file, said) => {
    rmSync(at('log'), { recursive: true, force: true });
    cpSync(foreign, at('log'), { recursive: true });
    const bytes = readFileSync(at(`log/${file}`));
    const place = file === 'checkpoint' ? bytes.length - 20 : 3;
    bytes.writeUInt8(bytes[place] === 0x41 ? 0x42 : 0x41, place);
    writeFileSync(at(`log/${file}`), bytes);
    const { stderr, stdout, code } = await pyrsia('verify', 'log', '--key', key);
    expect([stdout, code]).toEqual(['', 3]);
    expect(stderr).toContain(said);
  });

  it('names the file that is missing', async () => {
    rmSync(at('log'), { recursive: true, force: true });
    cpSync(foreign, at('log'), { recursive: true });
    rmSync(at('log/tile/entries'), { recursive: true });
    const { stderr, code } = await pyrsia('verify', 'log', '--key', key);
    expect([stderr, code]).toEqual(['pyrsia: Not found: tile/entries/000.p/15 of log\n', 5]);
  });

  it.each([
    ['neither policy nor key', [], 2, 'Exactly one of the following must be provided'],
    ['a key that is none', ['--key', 'abc'], 2, 'Cannot read reference "abc"'],
    ['the key of another log', ['--key', vkey(log)], 3, 'no known key of a log "example.com/log/testdata"'],
    ['a policy that is not there', ['--policy', 'nowhere'], 5, 'Not found: nowhere'],
    ['an entry without a proof', ['--key', key, '--entry', 'x'], 2, '--entry goes with a .tlog-proof file'],
  ])('wants to know whom to believe: %s', async (_, flags, exit, said) => {
    const { stderr, code } = await pyrsia('verify', foreign, ...flags);
    expect(code).toBe(exit);
    expect(stderr).toContain(said);
  });
});

describe('A log with witnesses, on a server', () => {
  const files = memoryLog();
  const older = files.add(entriesOf(0, 300));
  const head = files.add([...entriesOf(300, 600), Buffer.from([0xff, 0x00])]);
  const five = [log, ...witnesses.slice(0, 5)];
  let server: Server;
  let url: string;
  /** A file of which there is always more to come. */
  const endless = Buffer.alloc(256 * 65_537 + 1);
  const served = new Map<string, Uint8Array>();

  beforeAll(async () => {
    server = createServer(({ url: path = '' }, response) => {
      const bytes = served.get(path.slice('/prefix/'.length));
      if (path.includes('broken')) response.writeHead(500).end();
      else if (bytes === endless) response.writeHead(200).write(endless);
      else if (!bytes) response.writeHead(404).end('none');
      // Logs may compress without being asked to.
      else if (path.includes('entries'))
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes));
      else response.writeHead(200).end(bytes);
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`;
    writeFileSync(at('five.policy'), policyText(5));
    writeFileSync(at('older'), checkpoint(older, five));
    writeFileSync(at('fork'), checkpoint({ ...older, root: Buffer.alloc(32, 9) }, five));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    for (const [path, bytes] of files.files) served.set(path, bytes);
    served.set('checkpoint', Buffer.from(checkpoint(head, five)));
  });
  afterEach(() => served.clear());

  const verify = (...args: string[]) => pyrsia('verify', url, '--policy', 'five.policy', ...args);

  it('is verified, with the names of those who watch it', async () => {
    const { stdout, code } = await verify('--extends', 'older');
    expect(code).toBe(0);
    expect(stdout).toContain('cosigned by  w1.example (2027-01-15T08:00:00Z), w2.example');
    expect(stdout).toMatch(/extends +300\nproven +all 601 entries\n$/);
  });

  it('28: is refused when too few watch it', async () => {
    served.set('checkpoint', Buffer.from(checkpoint(head, five.slice(0, 5))));
    const { stderr, code } = await verify();
    expect([stderr, code]).toEqual([expect.stringContaining('4 of 7 known witnesses have cosigned it'), 3]);
  });

  it('29: is refused when it is a fork of what was signed before', async () => {
    const { stderr, code } = await verify('--extends', 'fork');
    expect([stderr, code]).toEqual([
      expect.stringContaining('it is a fork: it does not begin as the signed fork'),
      3,
    ]);
  });

  it('14: is refused when it has become shorter', async () => {
    served.set('checkpoint', Buffer.from(checkpoint(older, five)));
    writeFileSync(at('newer'), checkpoint(head, five));
    const { stderr, code } = await verify('--extends', 'newer');
    expect([stderr, code]).toEqual([
      expect.stringContaining('it has 300 entries, fewer than the 601 of newer'),
      3,
    ]);
  });

  it('2: is not read without end', async () => {
    served.set('tile/entries/000', endless);
    const { stderr, code } = await verify();
    expect([stderr, code]).toEqual([expect.stringContaining('larger than the limit of 16777472 bytes'), 1]);
  });

  it('gives proofs that need neither server nor network', async () => {
    for (const index of [255, 599]) {
      const made = await pyrsia(
        'proof',
        url,
        String(index),
        '--policy',
        'five.policy',
        '-o',
        `${index}.tlog-proof`,
      );
      expect(made).toMatchObject({ code: 0, stdout: `${index}.tlog-proof\n` });
      writeFileSync(at('entry'), `entry ${index}`);
      const check = ['verify', `${index}.tlog-proof`, '--entry', 'entry', '--policy', 'five.policy'];
      const shown = await pyrsia(...check);
      expect(shown).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(new RegExp(`proven +entry is entry ${index}\\n$`)),
      });
      writeFileSync(at('entry'), 'another');
      expect(await pyrsia(...check)).toMatchObject({ code: 3, stdout: '' });
    }
  });

  it('59: is verified from a directory without a name being looked up', async () => {
    mkdirSync(at('copy'), { recursive: true });
    for (const [path, bytes] of served) {
      mkdirSync(join(at('copy'), path, '..'), { recursive: true });
      writeFileSync(join(at('copy'), path), bytes);
    }
    const trace = at('trace');
    const command = home.pyrsiaCommand(['log', 'verify', 'copy', '--policy', 'five.policy']);
    const { code } = await home.run('strace', ['-f', '-o', trace, '-e', 'trace=socket,connect', ...command], {
      cwd: home.home,
    });
    expect(code).toBe(0);
    expect(readFileSync(trace, 'utf8')).not.toMatch(/AF_INET|resolv/);
  });

  it('shows its entries as they are', async () => {
    expect((await pyrsia('show', url, '256', '--policy', 'five.policy')).stdout).toBe('entry 256');
    const { stdout } = await pyrsia('show', url, '600', '--policy', 'five.policy', '--json');
    expect(JSON.parse(stdout)).toEqual({ index: 600, base64: '/wA=' });
    const beyond = await pyrsia('show', url, '601', '--policy', 'five.policy');
    expect(beyond).toMatchObject({
      code: 5,
      stderr: 'pyrsia: Not found: entry 601 of log.example/1, which has 601\n',
    });
    expect(await pyrsia('show', url, '-1', '--policy', 'five.policy')).toMatchObject({ code: 2 });
    expect(await pyrsia('show', url, '07', '--policy', 'five.policy')).toMatchObject({ code: 2 });
  });

  it('is not asked where that is forbidden, and failures of a server are told', async () => {
    const offline = await home.pyrsia(['log', 'show', url, '--key', vkey(log)], {
      env: { PYRSIA_OFFLINE: '1' },
    });
    expect(offline).toMatchObject({ code: 6 });
    const broken = await pyrsia('show', `${url}/broken`, '--key', vkey(log));
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('500') });
    expect(await pyrsia('show', `${url}?x`, '--key', vkey(log))).toMatchObject({ code: 2 });
    expect(await pyrsia('show', `${url}/other`, '--key', vkey(log))).toMatchObject({ code: 5 });
  });

  it('leaves nothing in a home', () => {
    expect(existsSync(join(home.root, 'cache', 'pyrsia'))).toBe(false);
    expect(readdirSync(join(home.root, 'state'))).toEqual([]);
  });
});
