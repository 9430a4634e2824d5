import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointsFor } from '../../src/ecosystems/oci/registries.ts';
import { mirroredConf, wantedBy } from '../../src/shims/mirrored.ts';
import { readRegistriesConf } from '../../src/shims/registries-conf.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mirrored-'));
});
afterEach(async () => rm(directory, { recursive: true }));

async function confOf(text: string) {
  writeFileSync(join(directory, 'conf'), text);
  return readRegistriesConf({ CONTAINERS_REGISTRIES_CONF: join(directory, 'conf') }, '/nowhere');
}

const mirrorOf = (name: string): string => `127.0.0.1:1/${name}`;

/** Where an engine that is led to us by what the user's own file says would ask for an image. */
async function asked(
  user: string,
  registry: string,
  repository: string,
  { wanted = [registry], instead = false } = {},
) {
  const led = await confOf(mirroredConf(await confOf(user), { wanted, mirrorOf, instead }));
  const found = endpointsFor(led.rules, { registry, repository }, 'tag');
  return found === 'blocked' ? found : found.map((each) => `${each.host}/${each.repository}`);
}

describe('An engine that is led to us', () => {
  it('asks us, and then whom it would have asked', async () => {
    expect(await asked('', 'images.example', 'org/app')).toEqual([
      '127.0.0.1:1/images.example/org/app',
      'images.example/org/app',
    ]);
    const mirrored =
      '[[registry]]\nlocation = "images.example"\n[[registry.mirror]]\nlocation = "m.example/ghcr"\n';
    expect(await asked(mirrored, 'images.example', 'org/app')).toEqual([
      '127.0.0.1:1/images.example/org/app',
      'm.example/ghcr/org/app',
      'images.example/org/app',
    ]);
  });

  it('asks as well for a repository that is named besides', async () => {
    const text =
      '[[registry]]\nprefix = "images.example/org"\nlocation = "l.example/x"\n[[registry.mirror]]\nlocation = "m.example"\n';
    expect(await asked(text, 'images.example', 'org/app', { wanted: ['images.example/org/app'] })).toEqual([
      '127.0.0.1:1/images.example/org/app',
      'm.example/app',
      'l.example/x/app',
    ]);
    const pattern = '[[registry]]\nprefix = "*.example"\ninsecure = true\n';
    expect(await asked(pattern, 'a.example', 'org/app', { wanted: ['a.example/org/app'] })).toEqual([
      '127.0.0.1:1/a.example/org/app',
      'a.example/org/app',
    ]);
  });

  it('asks nobody else where it is not to', async () => {
    expect(await asked('', 'images.example', 'org/app', { instead: true })).toEqual([
      '127.0.0.1:1/images.example/org/app',
    ]);
  });

  it('asks nobody, where nobody is to be asked past us, for what only a pattern is about', async () => {
    const pattern = '[[registry]]\nprefix = "*.example"\ninsecure = true\n';
    expect(await asked(pattern, 'a.example', 'org/app', { wanted: [], instead: true })).toBe('blocked');
    expect(await asked(pattern, 'a.example', 'org/app', { wanted: ['a.example'], instead: true })).toEqual([
      '127.0.0.1:1/a.example/org/app',
    ]);
    expect(await asked(pattern, 'a.example', 'org/app', { wanted: [] })).toEqual(['a.example/org/app']);
  });

  it('asks not even us for what is blocked', async () => {
    const text = '[[registry]]\nlocation = "images.example"\nblocked = true\n';
    expect(await asked(text, 'images.example', 'org/app')).toBe('blocked');
    expect(await asked(text, 'images.example', 'org/app', { wanted: ['images.example/org/app'] })).toBe(
      'blocked',
    );
  });

  it('keeps short names and helpers', async () => {
    const text =
      'unqualified-search-registries = ["a.example"]\nshort-name-mode = "permissive"\ncredential-helpers = ["secretservice"]\n[aliases]\nx = "b.example/x"\n';
    const led = await confOf(
      mirroredConf(await confOf(text), { wanted: [], mirrorOf: () => undefined, instead: false }),
    );
    expect(led).toMatchObject({
      search: ['a.example'],
      shortNameMode: 'permissive',
      credentialHelpers: ['secretservice'],
      aliases: { x: 'b.example/x' },
    });
  });
});

describe('What a call is likely to ask for', () => {
  const conf = { aliases: { fedora: 'registry.example/fedora' }, search: ['s.example'] };
  const wanted = async (...args: string[]) => wantedBy(conf, { args, cwd: directory });

  it('are the images of its arguments, and their registries', async () => {
    expect(await wanted('copy', 'docker://images.example/org/app:1', '--platform=linux/arm64')).toEqual(
      expect.arrayContaining(['images.example/org/app', 'images.example']),
    );
  });

  it('are those of short names', async () => {
    expect(await wanted('pull', 'nginx:1')).toEqual(
      expect.arrayContaining(['s.example/nginx', 'docker.io/library/nginx', 's.example', 'registry.example']),
    );
    expect(await wanted('pull', 'fedora')).toEqual(expect.arrayContaining(['registry.example/fedora']));
  });

  it('are those that a Containerfile names', async () => {
    mkdirSync(join(directory, 'context'));
    const text =
      'FROM --platform=linux/amd64 a.example/base:1 AS build\nRUN x\nFROM b.example/base\nCOPY --from=c.example/files /x /y\n';
    writeFileSync(join(directory, 'context/Containerfile'), text);
    writeFileSync(join(directory, 'Dockerfile.other'), 'from d.example/base\n');
    expect(await wanted('bud', 'context')).toEqual(
      expect.arrayContaining(['a.example/base', 'b.example/base', 'c.example/files']),
    );
    expect(await wanted('bud', '--file=Dockerfile.other', '/nowhere')).toEqual(
      expect.arrayContaining(['d.example/base']),
    );
  });

  it('are those of whatever file it builds from, with what arguments stand for', async () => {
    const text = [
      'ARG BASE',
      'ARG HOST=e.example',
      'FROM $BASE AS first',
      'FROM $HOST/plain:$TARGETARCH',
      'RUN --mount=type=bind,from=f.example/tools,target=/t x',
      'FROM ${LATER}',
    ].join('\n');
    writeFileSync(join(directory, 'build.txt'), text);
    const all = async (...args: string[]) =>
      wantedBy(conf, { args, cwd: directory, env: { LATER: 'h.example:5000/later' } });
    const given = await all(
      'bud',
      '-f',
      'build.txt',
      '--build-arg',
      'BASE=g.example/base',
      '--build-arg',
      'LATER',
    );
    expect(given).toEqual(
      expect.arrayContaining(['g.example/base', 'g.example', 'f.example/tools', 'h.example:5000']),
    );
    // What a name is when the build knows its machine nobody knows before, but where it is.
    expect(await all('bud', '--file=build.txt', '--build-arg=BASE=g.example/base')).toEqual(
      expect.arrayContaining(['e.example', 'g.example/base']),
    );
    expect(await all('bud', '-fbuild.txt')).toContain('f.example');
    expect(await all('bud')).not.toContain('f.example');
    writeFileSync(join(directory, 'Containerfile'), 'FROM i.example/base');
    expect(await all('build')).toContain('i.example/base');
    expect(await all('bud', '--build-context', 'x=docker-image://j.example/context:1')).toContain(
      'j.example/context',
    );
  });

  it('are those of a list that it is given', async () => {
    const list = 'k.example:\n  images:\n    a: ["1"]\n"[::1]:5000":\n  images: {}\n';
    writeFileSync(join(directory, 'list.yaml'), list);
    writeFileSync(join(directory, 'pod.yaml'), 'spec:\n  containers:\n  - image: l.example:5000/org/app:1\n');
    const found = await wanted('sync', '--src', 'yaml', '--dest', 'dir', 'list.yaml', 'there');
    expect(found).toEqual(expect.arrayContaining(['k.example', '[::1]:5000']));
    expect(await wanted('play', 'kube', 'pod.yaml')).toContain('l.example:5000');
  });

  it('are no more than so many of the hosts that a file mentions', async () => {
    const hosts = Array.from({ length: 1000 }, (_, at) => `RUN get https://h${at}.example/x\n`).join('');
    writeFileSync(join(directory, 'Containerfile'), `FROM m.example/base\n${hosts}FROM n.example/base\n`);
    const found = await wanted('build', '.');
    expect(found).toEqual(expect.arrayContaining(['m.example/base', 'n.example/base']));
    expect(found.length).toBeLessThan(300);
  });
});
