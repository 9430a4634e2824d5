/**
 * What registries, engines and files say of images, and what has to be so whatever the bytes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { digestOf } from '../../src/content/digest.ts';
import { SIZE_LIMIT } from '../../src/content/verified.ts';
import { parseChallenges } from '../../src/ecosystems/oci/challenge.ts';
import { familiarName, imageAskedFor, progressLine, pullPath } from '../../src/ecosystems/oci/docker-api.ts';
import { baseImages } from '../../src/ecosystems/oci/dockerfile.ts';
import { ENTRIES_LIMIT, mediaTypeOf, parseConfig, parseManifest } from '../../src/ecosystems/oci/manifest.ts';
import { isImageDigest } from '../../src/ecosystems/oci/names.ts';
import { choose } from '../../src/ecosystems/oci/platform.ts';
import { endpointsFor } from '../../src/ecosystems/oci/registries.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { framingOf, parseHead } from '../../src/proxy/http-head.ts';
import { mirroredConf } from '../../src/shims/mirrored.ts';
import { parseRegistriesConf } from '../../src/shims/registries-conf.ts';
import type { Target } from './target.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const nothing = (reason: string): PyrsiaError => new PyrsiaError('NOT_PROVEN', { what: 'it', reason });

const [one, two] = ['a', 'b'].map((each) => digestOf(Buffer.from(each), 'sha256')) as [string, string];
const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker.distribution.manifest';
const config = { mediaType: `${OCI}.config.v1+json`, digest: one, size: 7 };
const layer = { mediaType: `${OCI}.layer.v1.tar+gzip`, digest: two, size: 32 };
const amd64 = { os: 'linux', architecture: 'amd64' };

const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

/** Readers of what is said of images. */
export const imageTargets: readonly Target[] = [
  {
    name: 'image-manifest',
    seeds: [
      { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers: [layer, layer] },
      {
        schemaVersion: 2,
        manifests: [
          { ...layer, platform: { ...amd64, variant: 'v2' } },
          { ...config, urls: ['https://a.example/'] },
        ],
      },
      { schemaVersion: 2, mediaType: `${DOCKER}.v2+json`, config, layers: null },
      { schemaVersion: 2, mediaType: `${DOCKER}.list.v2+json`, manifests: [] },
    ].map(json),
    read(bytes) {
      const read = parseManifest(bytes, 'it');
      assert.equal(read.mediaType, mediaTypeOf(bytes, 'it'));
      const named = read.kind === 'index' ? read.manifests : [read.config, ...read.layers];
      assert.ok(named.length <= ENTRIES_LIMIT + 1);
      for (const { digest, size } of named)
        assert.ok(isImageDigest(digest) && Number.isSafeInteger(size) && size >= 0 && size <= SIZE_LIMIT);
      if (read.kind === 'index') choose(read.manifests, amd64);
    },
  },
  {
    name: 'image-config',
    seeds: [
      { ...amd64, config: { Cmd: ['true'] }, rootfs: { type: 'layers', diff_ids: [one, two] } },
      { os: 'linux', architecture: 'arm', variant: 'v7', rootfs: { diff_ids: null } },
    ].map(json),
    read(bytes) {
      const read = parseConfig(bytes, 'it');
      assert.ok(read.diffIds.every(isImageDigest));
      choose([read], amd64);
    },
  },
  {
    name: 'dockerfile',
    seeds: [
      'ARG TAG=1\nARG BASE="images.example/org/app:${TAG:-2}"\nFROM --platform=linux/arm64 $BASE AS first\n' +
        'RUN --mount=type=bind,from=other:1,source=/a <<END cat\nFROM none\nEND\nFROM scratch\n' +
        'COPY --from=first /a /b\nCOPY --chown=0 --from=third@sha256:00 /a \\\n  # why\n /b\n',
      '# escape=`\r\nFROM app`\r\n:1\r\nCOPY --from=0 a b\r\n',
    ].map((each) => Buffer.from(each)),
    read(bytes) {
      const found = baseImages(text(bytes), { args: { TAG: '3' }, target: 'last' });
      for (const { name } of found) assert.ok(/^[^\s$]+$/.test(name), 'it is no one word');
      assert.equal(new Set(found.map(({ name, platform }) => `${name} ${platform}`)).size, found.length);
      if (found.length === 0) throw nothing('it names no base');
    },
  },
  {
    name: 'docker-pull',
    seeds: [
      '/v1.41/images/create?fromImage=nginx&tag=latest',
      `/images/create?fromImage=images.example%3A5000%2Forg%2Fapp&tag=${one}&platform=linux%2Farm64`,
      `/v1.43/images/create?fromImage=org/app@${two}`,
    ].map((each) => Buffer.from(each)),
    read(bytes) {
      const asked = imageAskedFor(text(bytes));
      if (!asked) throw nothing('it asks for no image');
      // What the daemon is asked for is what its client has asked for.
      assert.deepEqual(imageAskedFor(pullPath(asked, familiarName(asked.image))), asked);
    },
  },
  {
    name: 'docker-progress',
    seeds: [
      { id: one.slice(7, 19), status: 'Downloading', progressDetail: { current: 1, total: 2 } },
      { error: 'unexpected EOF', errorDetail: { message: 'unexpected EOF' } },
      { status: `Digest: ${one}` },
    ].map(json),
    read(bytes) {
      const { text: same, ...said } = progressLine(text(bytes));
      assert.equal(same, text(bytes));
      for (const each of Object.values(said)) assert.equal(typeof each, 'string');
      if (Object.keys(said).length === 0) throw nothing('it says nothing');
    },
  },
  {
    name: 'docker-request',
    seeds: [
      head('POST /v1.41/build HTTP/1.1', 'Host: docker', 'Transfer-Encoding: chunked') +
        '5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n',
      head('POST /images/create?fromImage=app HTTP/1.1', 'Content-Length: 2', 'X-Registry-Auth: e30=') + '{}',
      head('GET /_ping HTTP/1.1', 'Host: docker'),
    ].map((each) => Buffer.from(each)),
    read(bytes) {
      const whole = Buffer.from(bytes);
      const end = whole.indexOf('\r\n\r\n') + 4;
      const request = parseHead(whole.subarray(0, end));
      if (!request) throw nothing('it is no request');
      /** Where the body ends, if it comes in pieces of this size. */
      const endIn = (pieces: number): string => {
        const framing = framingOf(request);
        if (!framing) throw nothing('nobody knows where it ends');
        let used = end;
        try {
          while (used < whole.byteLength && !framing.isOver)
            used += framing.feed(whole.subarray(used, used + pieces));
        } catch (error) {
          if (error instanceof Error && /chunk/.test(error.message)) return 'refused';
          throw error;
        }
        return `${used} ${framing.isOver}`;
      };
      assert.deepEqual([endIn(1), endIn(3)], [endIn(2 ** 16), endIn(2 ** 16)]);
    },
  },
  {
    name: 'challenge',
    seeds: [
      'Bearer realm="https://a.example/token",service="a",scope="repository:org/app:pull,push"',
      'Basic realm="a \\"b\\"", Digest nonce=abc, opaque="", Bearer realm=x',
    ].map((each) => Buffer.from(each)),
    read(bytes) {
      const found = parseChallenges(text(bytes));
      if (found.length === 0) throw nothing('it challenges nobody');
      for (const { scheme, parameters } of found) {
        assert.ok(/^[^\s",=A-Z]+$/.test(scheme));
        assert.equal(Object.getPrototypeOf(parameters), Object.prototype);
        assert.ok(Object.values(parameters).every((each) => typeof each === 'string'));
      }
    },
  },
  {
    name: 'registries-conf',
    seeds: [
      'unqualified-search-registries = ["a.example"]\nshort-name-mode = "enforcing"\n[[registry]]\n' +
        'prefix = "a.example/org"\nlocation = "b.example/c"\ninsecure = true\n[[registry.mirror]]\n' +
        'location = "127.0.0.1:5000"\npull-from-mirror = "digest-only"\n[aliases]\n"app" = "a.example/app"\n',
      '[[registry]]\nprefix = "*.b.example"\nblocked = true\n[[registry]]\nlocation = "c.example"\nblocked = true\n',
      '[registries.search]\nregistries = ["a.example"]\n[registries.block]\nregistries = ["b.example"]\n',
    ].map((each) => Buffer.from(each)),
    read(bytes) {
      const conf = parseRegistriesConf(text(bytes), 'registries.conf');
      for (const { prefix } of conf.rules) assert.notEqual(prefix, '');
      const led = mirroredConf(conf, {
        wanted: ['a.example'],
        mirrorOf: (registry) => `127.0.0.1:1/${registry.replace(':', '__')}`,
        instead: false,
      });
      // What leads an engine to us says everything that the user's own says, and what is blocked stays so.
      const again = parseRegistriesConf(led, 'ours');
      assert.deepEqual([again.search, again.aliases], [conf.search, conf.aliases]);
      for (const registry of ['a.example', 'x.b.example', 'c.example']) {
        const image = { registry, repository: 'org/app' };
        const [before, after] = [conf, again].map(({ rules }) => endpointsFor(rules, image, 'tag'));
        assert.equal(before === 'blocked', after === 'blocked');
      }
    },
  },
];
