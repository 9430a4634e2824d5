import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../src/shims/find-tool.ts';
import { loadNpmConfig } from '../../src/shims/npm-config.ts';
import { readNpmSettings } from '../../src/shims/npm-settings.ts';

const PEM = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrsia-npm-')));
  write({ 'project/package.json': '{}', 'home/.npmrc': '', 'prefix/bin/node': '' });
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

const context = (
  more: { cwd?: string; args?: string[]; env?: Record<string, string>; npm?: string } = {},
) => ({
  cwd: join(root, more.cwd ?? 'project'),
  args: more.args ?? ['ci'],
  env: { HOME: join(root, 'home'), ...more.env },
  node: join(root, 'prefix/bin/node'),
  ...(more.npm === undefined ? {} : { npm: join(root, more.npm) }),
});
const read = (more?: Parameters<typeof context>[0]) => readNpmSettings(context(more));
const upstream = async (more?: Parameters<typeof context>[0]) => (await read(more)).upstreams[0]!;

const connection = async (more?: Parameters<typeof context>[0]) => (await read(more)).connection;
const locked = async (files: Record<string, string>, args?: string[]) => {
  write(files);
  return (await read({ cwd: 'project', ...(args ? { args } : {}) })).lockedHosts;
};
const lock = (...urls: string[]) =>
  JSON.stringify({ packages: urls.map((resolved) => ({ resolved })) }, null, 2);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe("npm's registry", () => {
  it('is the one that npm ships where nobody says otherwise', async () => {
    const config = await loadNpmConfig(context());
    expect(await upstream()).toEqual({ url: config.shipped('registry'), shipped: true });
    write({ 'project/.npmrc': `registry=${String(config.shipped('registry')).replace(/\/$/, '')}` });
    expect(await upstream()).toEqual({ url: config.shipped('registry'), shipped: true });
  });

  it('is said by arguments before the environment, the project, the user, the global file and npm itself', async () => {
    const npm = 'lib/npm/bin/npm-cli.js';
    const said: [Record<string, string>, Parameters<typeof context>[0], string][] = [
      [{ [npm]: '', 'lib/npm/npmrc': 'registry=https://builtin.example/' }, { npm }, 'builtin'],
      [{ 'prefix/etc/npmrc': 'registry=https://global.example/' }, { npm }, 'global'],
      [{ 'home/.npmrc': 'registry=https://user.example/' }, { npm }, 'user'],
      [{ 'project/.npmrc': 'registry=https://project.example/' }, { npm }, 'project'],
      [{}, { npm, env: { NPM_CONFIG_REGISTRY: 'https://env.example' } }, 'env'],
      [
        {},
        { env: { npm_config_registry: 'https://env.example' }, args: ['--reg', 'https://args.example'] },
        'args',
      ],
    ];
    for (const [files, more, who] of said) {
      write(files);
      expect(await upstream(more)).toEqual({ url: `https://${who}.example/`, shipped: false });
    }
  });

  it('of a scope stands beside it', async () => {
    write({ 'home/.npmrc': '@acme:registry=https://acme.example/npm', 'project/.npmrc': '@b:registry=${B}' });
    const { upstreams } = await read({ env: { B: 'http://b.example:81/' } });
    expect(upstreams.slice(1).toSorted((a, b) => a.url.localeCompare(b.url))).toEqual([
      { url: 'http://b.example:81/', scope: '@b', shipped: false },
      { url: 'https://acme.example/npm/', scope: '@acme', shipped: false },
    ]);
  });

  it('stands in files that are named, whether or not they are there', async () => {
    write({ 'home/.npmrc': 'globalconfig=/nowhere/npmrc', 'project/.npmrc': '', 'npm/npmrc': '' });
    const { sources } = await read({ npm: 'npm/bin/npm-cli.js' });
    expect(sources).toEqual([
      { path: join(root, 'home/.npmrc'), exists: true },
      { path: '/nowhere/npmrc', exists: false },
      { path: join(root, 'npm/npmrc'), exists: true },
    ]);
  });

  it("of a workspace is its root's", async () => {
    write({
      'package.json': '{"workspaces":["project"]}',
      '.npmrc': 'registry=https://root.example/',
      'project/.npmrc': 'registry=https://ignored.example/',
      'package-lock.json': '{"packages":{"a":{"resolved": "https://locked.example/a/-/a-1.0.0.tgz"}}}',
    });
    expect(await upstream()).toMatchObject({ url: 'https://root.example/' });
    expect((await read()).lockedHosts).toEqual(['locked.example']);
  });

  it.each([
    'registry=nonsense',
    'registry=ftp://user:secret@host.example',
    'registry[]=https://secret.example',
  ])('that is none (%s) is an error that does not repeat it', async (npmrc) => {
    write({ 'project/.npmrc': npmrc });
    const error: Error = await read().then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('registry') });
    expect(error.message).not.toMatch(/secret|nonsense/);
  });

  it('is found in an npmrc that is mostly garbage', async () => {
    write({ 'project/.npmrc': '\0\xff[[[\n=\n;x\n[a\nregistry = "https://x.example/"\n' });
    await expect(upstream()).resolves.toBeDefined();
  });

  it('is not read from a folder that stands where a file should', async () => {
    write({ 'project/.npmrc/x': '' });
    expect(await upstream()).toMatchObject({ shipped: true });
  });
});

describe("The user's credentials", () => {
  it.each([
    ['//host.example/npm/:_authToken=t', 'Bearer t'],
    ['//host.example/npm:_authToken=t', 'Bearer t'],
    ['//host.example/:_authToken=t', 'Bearer t'],
    ['//host.example/:_authToken=${TOKEN}', 'Bearer from-env'],
    ['//host.example/npm/:_auth=abc=', 'Basic abc='],
    [
      `//host.example/npm/:username=me\n//host.example/npm/:_password=${Buffer.from('pä:ss').toString('base64')}`,
      basic('me:pä:ss'),
    ],
    ['//host.example/:_authToken=far\n//host.example/npm/:_authToken=near', 'Bearer near'],
    ['//host.example/other/:_authToken=t', undefined],
    ['//host.example:8080/:_authToken=t', undefined],
    ['//other.example/:_authToken=t', undefined],
    ['//host.example/:username=me', undefined],
  ])('in %j become %s', async (npmrc, authorization) => {
    write({ 'home/.npmrc': npmrc, 'project/.npmrc': 'registry=https://host.example/npm' });
    expect((await upstream({ env: { TOKEN: 'from-env' } })).authorization).toBe(authorization);
  });

  it('may stand in the URL, which then is told without them', async () => {
    write({ 'project/.npmrc': 'registry=https://me:p%40ss@host.example/npm' });
    expect(await upstream()).toEqual({
      url: 'https://host.example/npm/',
      shipped: false,
      authorization: basic('me:p@ss'),
    });
  });

  it('that are a client certificate are for npm itself', async () => {
    write({
      'home/.npmrc': '//host.example/:certfile=c\n//host.example/:keyfile=k',
      'project/.npmrc': 'registry=https://host.example/',
    });
    expect(await upstream()).toEqual({
      url: 'https://host.example/',
      shipped: false,
      unsupported: 'a client certificate',
    });
  });
});

describe("The user's connection", () => {
  it('is direct and checked where nobody says otherwise', async () => {
    expect(await connection()).toEqual({ strictSsl: true });
  });

  it('goes through the proxies of the environment', async () => {
    const env = { HTTPS_PROXY: 'http://s.example', http_proxy: 'http://p.example', No_Proxy: 'a,.b' };
    expect(await connection({ env })).toMatchObject({
      httpsProxy: 'http://s.example',
      httpProxy: 'http://s.example',
      noProxy: 'a,.b',
    });
    expect(await connection({ env: { HTTP_PROXY: 'http://p.example' } })).toEqual({
      httpProxy: 'http://p.example',
      strictSsl: true,
    });
  });

  it("goes through npm's own proxy for both protocols, before those of the environment", async () => {
    write({ 'project/.npmrc': 'proxy=http://npm.example\nnoproxy[]=a\nnoproxy[]=b\nstrict-ssl=false' });
    expect(await connection({ env: { HTTPS_PROXY: 'http://s.example', NO_PROXY: 'c' } })).toEqual({
      httpProxy: 'http://npm.example',
      httpsProxy: 'http://npm.example',
      noProxy: 'a,b',
      strictSsl: false,
    });
  });

  it('trusts the certificates of every place that names some, relative to the directory of the call', async () => {
    write({
      'project/.npmrc': `ca="${PEM('one').replaceAll('\n', String.raw`\n`)}"\ncafile=certs/ca.pem`,
      'project/certs/ca.pem': `# two\n${PEM('two')}\n${PEM('three')}\n`,
      'project/extra.pem': PEM('four'),
    });
    const { ca } = await connection({ env: { NODE_EXTRA_CA_CERTS: 'extra.pem' } });
    expect(ca).toEqual(['one', 'two', 'three', 'four'].map(PEM));
  });

  it.each([
    ['the project', 'project/.npmrc', 'strict-ssl=false', true],
    ['the project', 'project/.npmrc', 'https-proxy=http://npm.example', true],
    ['a file that the project names', 'project/.npmrc', 'userconfig=./their.npmrc', true],
    ['the user', 'home/.npmrc', 'strict-ssl=false', undefined],
    ['nobody', 'project/.npmrc', 'registry=https://host.example/', undefined],
  ])('is known to be made as %s wants it', async (_, file, text, own) => {
    write({ [file]: text });
    expect((await read()).ownTrust).toBe(own);
  });

  it.runIf(process.platform !== 'win32').each([
    ['project/.npmrc', 'project/.npmrc is no file'],
    ['project/package.json', 'project/package.json is no file'],
    ['project/ca.pem', 'cafile: it is no file'],
    ['project/package-lock.json', undefined],
  ])('is not waited for where %s might never end', async (file, problem) => {
    write({ 'project/.npmrc': 'cafile=ca.pem' });
    rmSync(join(root, file), { force: true });
    execFileSync('mkfifo', [join(root, file)]);
    if (problem === undefined) expect(await locked({})).toEqual([]);
    else
      await expect(read()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(problem),
      });
  });

  it('does without certificate files that are not there', async () => {
    write({ 'project/.npmrc': 'cafile=missing.pem' });
    expect(await connection({ env: { NODE_EXTRA_CA_CERTS: '/nowhere/x.pem' } })).toEqual({ strictSsl: true });
  });

  it('is not made when the certificate file cannot be read', async () => {
    write({ 'project/.npmrc': 'cafile=certs', 'project/certs/x': '' });
    await expect(connection()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('cafile'),
    });
  });
});

describe('The lockfile', () => {
  it('names each host once, with its port', async () => {
    const urls = [
      'https://a.example/x/-/x-1.tgz',
      'https://a.example/y',
      'http://b.example:81/z',
      'git+ssh://git@c.example/d.git#e',
    ];
    expect(await locked({ 'project/package-lock.json': lock(...urls) })).toEqual([
      'a.example',
      'b.example:81',
      'c.example',
    ]);
  });

  it.each([1, 12, 20, 33])(
    'names a host whole that stands where a piece of it ends, %i bytes before',
    async (before) => {
      const space = ' '.repeat(2 ** 20 - before - '{"packages":[{'.length);
      const text = `{"packages":[{${space}"resolved":"https://a.example.org/x"},{"resolved":"https://b.example/"}]}`;
      expect(await locked({ 'project/package-lock.json': text })).toEqual(['a.example.org', 'b.example']);
    },
  );

  it('is the shrinkwrap where there is one', async () => {
    const files = {
      'project/package-lock.json': lock('https://a.example/'),
      'project/npm-shrinkwrap.json': lock('https://b.example/'),
    };
    expect(await locked(files)).toEqual(['b.example']);
  });

  it('names none when it is missing, empty or nonsense, or when the call is not about the project', async () => {
    expect(await locked({})).toEqual([]);
    expect(await locked({ 'project/package-lock.json': '' })).toEqual([]);
    expect(
      await locked({ 'project/package-lock.json': '{"packages":{"a":{"resolved":"https://[/x"}' }),
    ).toEqual([]);
    expect(
      await locked({ 'project/package-lock.json': lock('https://a.example/') }, ['i', '-g', 'x']),
    ).toEqual([]);
  });

  it("has the public registry's host replaced by npm, unless the user says otherwise", async () => {
    const { host } = new URL(String((await loadNpmConfig(context())).shipped('registry')));
    expect((await read()).replacedHost).toBe(host);
    write({ 'project/.npmrc': `replace-registry-host=${host}` });
    expect((await read()).replacedHost).toBe(host);
    write({ 'project/.npmrc': 'replace-registry-host=never' });
    expect(await read()).not.toHaveProperty('replacedHost');
    expect((await read()).replacing).toMatchObject({ isUsers: true });
  });
});

describe("npm's configuration", () => {
  it('is read as by npm itself', async () => {
    const npm = findTool('npm', process.env['PATH'])!;
    write({
      'project/.npmrc': 'registry=https://project.example/x\ncafile=./ca.pem\n',
      'home/.npmrc': 'registry=https://user.example/\nproxy=http://proxy.example/\nglobalconfig=~/global\n',
      'home/global': 'noproxy=a,b\nstrict-ssl=false\n',
      'project/sub/x': '',
    });
    const env = { HOME: join(root, 'home'), PATH: process.env['PATH']!, npm_config_fetch_retries: '7' };
    const cwd = join(root, 'project/sub');
    const theirs = JSON.parse(
      execFileSync(npm, ['config', 'ls', '-l', '--json'], { cwd, env, encoding: 'utf8' }),
    );
    const ours = await loadNpmConfig({ cwd, env, args: ['config', 'ls', '-l', '--json'], npm });
    const asked = [
      'registry',
      'cafile',
      'proxy',
      'https-proxy',
      'noproxy',
      'strict-ssl',
      'globalconfig',
      'userconfig',
      'fetch-retries',
    ];
    expect(asked.map((key) => [key, ours.get(key)])).toEqual(asked.map((key) => [key, theirs[key]]));
    expect(ours.get('cafile')).toBe(join(cwd, 'ca.pem'));
  });

  it('takes nothing from this process and leaves nothing in it', async () => {
    const before = { ...process.env };
    process.env['npm_config_registry'] = 'https://leak.example/';
    process.env['HTTPS_PROXY'] = 'https://leak.example/';
    try {
      const env = Object.freeze({ HOME: join(root, 'home') });
      const settings = await readNpmSettings({ ...context(), env });
      expect(JSON.stringify(settings)).not.toContain('leak');
      expect(process.env).toEqual({
        ...before,
        npm_config_registry: 'https://leak.example/',
        HTTPS_PROXY: 'https://leak.example/',
      });
    } finally {
      delete process.env['npm_config_registry'];
      if (before['HTTPS_PROXY'] === undefined) delete process.env['HTTPS_PROXY'];
      else process.env['HTTPS_PROXY'] = before['HTTPS_PROXY'];
    }
  });

  it('is known with abbreviated options, as npm 11 takes them', async () => {
    expect(await upstream({ args: ['ci', '--registr', 'https://short.example/'] })).toMatchObject({
      url: 'https://short.example/',
    });
  });

  it('that npm itself would not take is an error in one line', async () => {
    await expect(read({ args: ['-reg', 'https://host.example/'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^npm's configuration: .+$/),
    });
  });

  it('with registries for more than a hundred scopes is too much', async () => {
    const lines = Array.from({ length: 101 }, (_, i) => `@s${i}:registry=https://host.example/${i}/`);
    write({ 'project/.npmrc': lines.join('\n') });
    await expect(read()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { problems: [expect.stringContaining('101 scopes')] },
    });
    write({ 'project/.npmrc': lines.slice(1).join('\n') });
    expect((await read()).upstreams).toHaveLength(101);
  });

  it('has the text of the global file, wherever that lies', async () => {
    write({ 'prefix/etc/npmrc': 'a=1\n', 'project/other': 'b=2\n' });
    expect((await read()).globalConfig).toBe('a=1\n');
    expect((await read({ env: { npm_config_globalconfig: 'other' } })).globalConfig).toBe('b=2\n');
    expect((await read({ env: { PREFIX: '/nowhere' } })).globalConfig).toBe('');
  });
});

describe('What npm replaces in the addresses of a lockfile', () => {
  it('is its own, or what the user has said', async () => {
    const shipped = { replaces: (await read()).replacedHost, isUsers: false };
    expect((await read()).replacing).toEqual(shipped);
    for (const same of ['npmjs', shipped.replaces!, '']) {
      write({ 'home/.npmrc': `replace-registry-host=${same}\n` });
      expect((await read()).replacing, same).toEqual(shipped);
    }
    write({ 'home/.npmrc': 'replace-registry-host=never\n' });
    expect((await read()).replacing).toEqual({ replaces: 'never', isUsers: true });
  });

  it('depends on its version where its registry lies below a path', async () => {
    const npm = 'npm/bin/npm-cli.js';
    write({ [npm]: '', 'npm/package.json': '{"name":"npm","version":"11.2.3"}' });
    expect((await read({ npm })).replacing).not.toHaveProperty('version');
    write({ 'home/.npmrc': 'registry=https://npm.corp.example/api/npm/\n' });
    expect((await read({ npm })).replacing).toMatchObject({ version: '11.2.3' });
    for (const text of ['{"name":"other","version":"1.0.0"}', 'torn {', '[]', '{"name":"npm"}']) {
      write({ 'npm/package.json': text });
      expect((await read({ npm })).replacing, text).not.toHaveProperty('version');
    }
    expect((await read()).replacing).not.toHaveProperty('version');
  });
});
