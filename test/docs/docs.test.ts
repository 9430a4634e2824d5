/**
 * Every command line that our documentation and our help show is run as it stands there.
 *
 * @module
 */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../oclif.manifest.json' with { type: 'json' };
import { readLinks } from '../../src/p2p/lan.ts';
import { openWorld, type World } from '../e2e/everyday-world.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import type { Project } from '../support/project.ts';
import { blocks, pages } from './markdown.ts';

/** Lines about a network, which those who run them belong to. */
const network = 'test/commands/network.test.ts does it with a log of its own';

/** Lines about a private one. */
const members = 'test/commands/private-network.test.ts does it, with a member that answers';

/** A peer that there is not. */
const nobody = '12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w';

/** Lines that set this repository itself up, and what tries them instead. */
const elsewhere: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'test/e2e/demo.test.ts runs it, after the npm ci that brought vitest',
  'npm ci && npm test': 'this is it',
  'npm ci && npm pack && npm install --global ./pyrsia-*.tgz': 'test/e2e/install.test.ts packs and installs',
  'npm uninstall --global pyrsia': 'test/e2e/install.test.ts does it',
  'pyrsia pull nginx:latest': 'test/commands/pull-image.test.ts pulls it from a registry of its own',
  'pyrsia pull images.example/org/app:1 --platform linux/arm64 -o oci-archive:app.tar': 'so does this one',
  'pyrsia log verify https://log.example/ --key log.example+33d7b496+AeHTu4…':
    'test/commands/log.test.ts does it with a server of its own',
  'pyrsia log verify ./log --policy log.policy --repair https://log.example/': network,
  'pyrsia network create net.example one.card two.card three.card four.card': network,
  'pyrsia network join example.policy': network,
  'pyrsia network join example.policy --key net.example+5f1a9f2c+AeHT…': network,
  'pyrsia network info': network,
  'pyrsia network leave': network,
  'pyrsia network create net.example one.card --private': members,
  'pyrsia network join net.example.policy': members,
  'pyrsia network join pyrsia-join-eyJuZXR3…': members,
  'pyrsia network invite --key net.example.key': members,
  'pyrsia network invite --address /dns4/peers.example/tcp/4001': members,
  [`pyrsia network revoke ${nobody} --key net.example.key`]: members,
  'npm run network': 'test/e2e/network-to-try.test.ts runs it',
  'npm run network -- --once ./tried': 'so it does this',
  'pyrsia log verify ./tried/log --policy ./tried/network.policy': 'and this',
  'pyrsia log submit npm:lodash@4.17.21':
    'test/commands/log-submit.test.ts submits to an authority of its own',
  'pyrsia log submit docker:nginx:1.29': 'so it does this',
  'pyrsia log sync': network,
  'pyrsia log tail': network,
  'pyrsia log tail -n 100 --csv --fields index,purl,sha256': network,
  'pyrsia log search lodash': network,
  'pyrsia log search --package npm:lodash --latest': network,
  'pyrsia log search --image nginx --since 7d --csv': network,
  'pyrsia log search --observer org1.example --fields index,purl,time --json': network,
  'pyrsia node start ./authority --role authority --key-file ./passphrase':
    'test/commands/authority.test.ts does it, and stops it',
  'pyrsia node start ./authority --role authority --listen 127.0.0.1:8090 --network ./network.policy':
    'so it does this',
  'pyrsia why nginx:latest': 'test/commands/cached-images.test.ts does it',
  'docker run --rm nginx nginx -v': 'test/e2e/docker.test.ts does it',
  'pyrsia exec -- docker pull nginx': 'so it does this',
  'pyrsia exec -- docker run --rm nginx nginx -v': 'so it does this',
  'eval "$(pyrsia env --docker)"': 'test/e2e/docker-host.test.ts evaluates it',
  'pyrsia docker enable': 'test/commands/docker.test.ts does it',
  'pyrsia docker enable --yes': 'so it does this',
  'pyrsia docker disable': 'so it does this',
  'pyrsia docker disable --yes': 'so it does this',
  'pyrsia cache rm nginx:latest': 'test/commands/cached-images.test.ts does it',
  'pyrsia pull maven:ch.qos.logback:logback-classic:1.5.18 --with-dependencies -o jars/':
    'test/e2e/maven.test.ts pulls a smaller one so',
  'pyrsia pull maven:org.slf4j:slf4j-api:2.0.17':
    'test/commands/pull-maven.test.ts pulls from a repository of its own',
  'PYRSIA_OFFLINE=1 pyrsia exec -- npm install lodash': 'test/e2e/peers-copies.test.ts does it',
  'PYRSIA_OFFLINE=1 pyrsia pull nginx:latest': 'so it does this',
  'pyrsia exec -- mvn package': 'test/e2e/maven.test.ts runs mvn',
  'pyrsia exec -- podman pull nginx': 'test/e2e/images.test.ts does it',
  'pyrsia exec -- skopeo copy docker://nginx dir:nginx': 'so it does this',
  'pyrsia uninstall --purge --yes':
    'test/commands/uninstall.test.ts does it, and others here need what is cached',
};

/** Whether this machine has a gateway to know the place by. */
const HERE = readLinks().some(({ gateway }) => gateway) ? 0 : 2;

/** Lines that do not end with 0 where nobody sits at a terminal, and what the page or the help says of that. */
const codes: Readonly<Record<string, readonly [code: number, because: string]>> = {
  "pyrsia cache rm '@acme/*'": [2, 'asks before it removes anything'],
  'pyrsia authority init ./authority --organisation a.example --url https://a.example/log/': [
    2,
    'asks for a passphrase; without a terminal it wants --key-file',
  ],
  'pyrsia share off --here': [HERE, 'knows a place by its gateway'],
  [`pyrsia peers ping ${nobody}`]: [1, 'connects to a peer, which is not there'],
  'pyrsia uninstall': [2, 'asks; without a terminal it wants --yes'],
  'pyrsia uninstall --purge': [2, 'says what it is about to do, and asks'],
  'pyrsia shim install': [2, 'asks; without a terminal it wants --yes'],
  'pyrsia cache rm sha256:2cf2… left-pad': [2, 'asks before it removes anything'],
};

/** Lines that go on until somebody presses Ctrl-C. */
const endless = ['pyrsia agent logs -f'];

const shown = pages.flatMap((path) =>
  blocks(path, 'sh').flatMap((block) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => [path, line] as const),
  ),
);
const withoutComment = (line: string): string => line.replace(/\s+#.*$/, '');
const examples = Object.entries(manifest.commands).flatMap(([id, command]) =>
  ('examples' in command ? command.examples : []).map(
    (example) =>
      [
        `pyrsia ${id.replaceAll(':', ' ')} --help`,
        example.replaceAll('<%= config.bin %>', 'pyrsia'),
      ] as const,
  ),
);
const lines = [...shown.map(([path, line]) => [path, withoutComment(line)] as const), ...examples];

let world: World;
let project: Project;

/** Runs a line as a person would who has pyrsia on the PATH; `sha256:2cf2…` stands for a whole digest. */
const sh = (line: string) => {
  const [{ digest } = { digest: '' }] = lodash;
  const whole = line.replaceAll('sha256:2cf2…', digest);
  return world.sandbox.run('sh', ['-c', whole], { cwd: project.dir, env: { EDITOR: 'true', PATH: path() } });
};
const path = (): string => [join(world.sandbox.root, 'bin'), world.sandbox.env['PATH']].join(delimiter);
const pyrsia = (...args: string[]) => world.sandbox.pyrsia(args, { cwd: project.dir });
const cached = ['npm:express@5.1.0', 'npm:lodash@4.17.21', 'npm:left-pad@1.3.0', 'npm:@acme/tools'];
let lodash: { readonly digest: string }[] = [];

beforeAll(async () => {
  const specs = [
    { name: 'express', version: '5.1.0', dependencies: { 'left-pad': '^1.0.0' } },
    { name: 'lodash', version: '4.17.21' },
    { name: 'left-pad', version: '1.3.0' },
    { name: '@types/node', version: '24.0.0' },
    { name: '@acme/tools', version: '1.2.0' },
    { name: 'x', version: '1.0.0' },
  ];
  world = await openWorld({ packages: specs.map(makePackage) });
  const { sandbox, registry } = world;
  project = await sandbox.project({
    dependencies: { express: '^5.0.0' },
    manifest: { scripts: { test: 'true' } },
  });
  mkdirSync(join(project.dir, 'packages'));
  mkdirSync(join(sandbox.root, 'bin'));
  cpSync('test/data/tlog-tessera', join(project.dir, 'log'), { recursive: true });
  const key = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
  writeFileSync(join(project.dir, 'log.policy'), `log ${key}\nquorum none\n`);
  for (const [name, command] of [
    ['pyrsia', sandbox.pyrsiaCommand([])],
    ['nano', ['true']],
  ] as const) {
    writeFileSync(join(sandbox.root, 'bin', name), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`);
    chmodSync(join(sandbox.root, 'bin', name), 0o755);
  }
  const everything = specs.map(({ name, version }) => `npm:${name}@${version}`);
  expect(await pyrsia('pull', ...everything)).toMatchObject({ code: 0 });
  lodash = await world.json(['pull', 'npm:lodash@4.17.21']);
  expect(registry.log.tarballs()).toHaveLength(specs.length);
});
afterAll(() => world[Symbol.asyncDispose]());

/** What has to be so for a line to make sense; others may have changed it. */
async function prepare(line: string): Promise<void> {
  const { sandbox, registry } = world;
  sandbox.freshNpmCache();
  writeFileSync(
    join(sandbox.env['XDG_CONFIG_HOME']!, 'pyrsia', 'config.json'),
    JSON.stringify({ 'npm.public': [registry.url] }),
  );
  const [, reference] = /trust accept (\S+)/.exec(line) ?? [];
  if (reference !== undefined) return provokeRefusal(reference);
  if (/ shim (enable|disable)/.test(line))
    expect(await pyrsia('shim', 'install', 'npm', 'npx')).toMatchObject({ code: 0 });
  // What lines before it have installed is not on the PATH of the shell that runs it.
  if (line.includes(' doctor')) expect(await pyrsia('shim', 'uninstall')).toMatchObject({ code: 0 });
  if (line.includes('7.tlog-proof --entry'))
    expect(
      await sh(
        'pyrsia log show log 7 --policy log.policy >7.entry && pyrsia log proof log 7 --policy log.policy -o 7.tlog-proof',
      ),
    ).toMatchObject({ code: 0 });
  if (line.includes(' authority init'))
    rmSync(join(project.dir, 'authority'), { recursive: true, force: true });
  if (/ cache (rm|info)|why/.test(line)) expect(await pyrsia('pull', ...cached)).toMatchObject({ code: 0 });
}

/** The registry exchanges a version that was seen with other bytes. */
async function provokeRefusal(reference: string): Promise<void> {
  const [, name = '', version = ''] = /^npm:(.+)@(.+)$/.exec(reference) ?? [];
  const other = await makePackage({ name, version, files: { 'other.js': '' } });
  world.registry.replaceTarball(name, version, other.tarball);
  expect(await pyrsia('cache', 'rm', reference, '--yes')).toMatchObject({ code: 0 });
  expect(await pyrsia('pull', reference)).toMatchObject({ code: 3 });
}

describe.for(lines.filter(([, line]) => !(line in elsewhere)))('%s: %s', ([, line]) => {
  it('does what is said there', { timeout: 60_000 }, async () => {
    await prepare(line);
    if (endless.includes(line)) {
      const following = world.sandbox.start(['sh', '-c', line], { env: { PATH: path() } });
      await sleep(1000);
      following.kill('SIGINT');
      const { signal, stdout, stderr } = await following.result;
      expect({ signal, stderr }).toEqual({ signal: 'SIGINT', stderr: '' });
      return expect(stdout).toContain('Started pyrsia');
    }
    const { code, stderr, stdout } = await sh(line);
    expect({ line, code, stderr }).toMatchObject({ code: codes[line]?.[0] ?? 0 });
    expect(stdout + stderr).not.toContain('warn');
  });
});

describe('The lists of this test', () => {
  const all = lines.map(([, line]) => line);

  it('name only lines that are there', () => {
    expect(all).toEqual(
      expect.arrayContaining([...Object.keys(elsewhere), ...Object.keys(codes), ...endless]),
    );
  });

  it('know every command', () => {
    const shownCommands = Object.keys(manifest.commands).filter((id) => id !== 'help');
    for (const id of shownCommands) {
      expect(all.some((line) => line.includes(`pyrsia ${id.replaceAll(':', ' ')}`))).toBe(true);
    }
  });
});

describe('pyrsia --help', () => {
  it('opens with examples that work', { timeout: 60_000 }, async () => {
    const { stdout } = await pyrsia('--help');
    const firstExamples = [...stdout.matchAll(/^ {2}\$ (pyrsia \S.*?) {2,}/gm)].map(([, line]) => line!);
    expect(firstExamples.length).toBeGreaterThan(2);
    expect(stdout).toMatch(/^EXAMPLES\n/);
    for (const line of firstExamples) {
      if (line in elsewhere) continue;
      await prepare(line);
      const { code, stderr } = await sh(line);
      expect({ line, code, stderr }).toMatchObject({ code: codes[line]?.[0] ?? 0 });
    }
  });
});
