import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { openBuilds } from '../../src/agent/docker-builds.ts';
import type { DockerEngine } from '../../src/proxy/docker-engine.ts';
import type { Bases } from '../../src/shims/docker-bases.ts';

const BASE = 'images.example/base:1';
const CLASSIC = '/v1.41/build?t=x';
const BUILDKIT = '/v1.41/build?version=2&t=x';
const plain: Bases = { images: [{ name: BASE }], untold: [], pull: false };

/** What a daemon answers. */
const answer = (statusCode: number, said: object): IncomingMessage =>
  Object.assign(Readable.from([`${JSON.stringify(said)}\r\n`]), {
    statusCode,
    rawHeaders: [],
  }) as unknown as IncomingMessage;

describe('A build', () => {
  /** The architecture of what the daemon has, by name. */
  let has: Map<string, string>;
  /** That of what it gets from us. */
  let gets: string | undefined;
  let pulled: string[];
  let lent: string[];
  let notes: string[];
  beforeEach(() => {
    has = new Map();
    gets = undefined;
    [pulled, lent, notes] = [[], [], []];
  });

  const engine: DockerEngine = {
    async ask(method, path) {
      const { pathname, searchParams } = new URL(path, 'http://docker');
      if (pathname === '/version') return Promise.resolve(answer(200, { Os: 'linux', Arch: 'amd64' }));
      if (method === 'POST') {
        pulled.push(`${searchParams.get('fromImage')} ${searchParams.get('platform') ?? ''}`.trim());
        return Promise.resolve(
          gets === undefined
            ? answer(404, { message: 'nobody has it' })
            : answer(200, { status: 'Status: Downloaded newer image for it' }),
        );
      }
      const architecture = has.get(pathname.slice('/images/'.length, -'/json'.length));
      return Promise.resolve(
        answer(architecture === undefined ? 404 : 200, { Os: 'linux', Architecture: architecture }),
      );
    },
    idOf: async () => Promise.resolve('id'),
    async tag(_, __, repository, tag) {
      has.set(`${repository}:${tag}`, pulled.at(-1)!.endsWith('arm64') ? 'arm64' : gets!);
      return Promise.resolve(true);
    },
    untag: async () => Promise.resolve(),
  };
  /** Why a request does not go on. */
  const refused = async (
    bases: Bases | undefined,
    strict: string | undefined,
    targets: readonly string[] = [CLASSIC],
    shown: Record<string, string> = {},
  ) => {
    const images = {
      engine,
      strict,
      ours: ({ registry, repository }: { registry: string; repository: string }) =>
        `127.0.0.1:4000/${registry}/${repository}`,
      lend: (registry: string, { username }: { username: string }) =>
        void lent.push(`${username} ${registry}`),
      given: () => undefined,
      mayAsk: () => false,
      whyNot: () => undefined,
      note: (text: string) => void notes.push(text),
    };
    const before = openBuilds(images, bases, new AbortController().signal);
    const found: (string | undefined)[] = [];
    for (const target of targets)
      found.push(await before({ method: 'POST', target, headers: new Map(Object.entries(shown)) }));
    return found;
  };

  it.each<readonly [why: string, bases: Bases | undefined, reason: RegExp]>([
    ['no Dockerfile', undefined, /no Dockerfile was to be seen/],
    ['a variable', { ...plain, untold: ['$BASE'] }, /nothing says which image \$BASE is/],
    ['a cache elsewhere', { ...plain, besides: '--cache-from' }, /--cache-from names more of it/],
    ['no name', { ...plain, images: [{ name: 'A B' }] }, /A B is not a name of an image/],
    ['--pull', { ...plain, pull: true }, /with --pull/],
  ])('does not begin where its builder might fetch past us: %s', async (_, bases, reason) => {
    has.set(BASE, 'amd64');
    gets = 'amd64';
    const [why] = await refused(bases, 'policy strict', [BUILDKIT]);
    expect(why).toMatch(new RegExp(`^pyrsia: .*${reason.source}.*\\(policy strict\\)$`));
    expect(pulled).toEqual([]);
    expect(await refused(bases, undefined, [BUILDKIT])).toEqual([undefined]);
  });

  it('begins when all that it is based on is there, and not without', async () => {
    expect(await refused(plain, 'policy strict')).toEqual([`pyrsia: ${BASE}: nobody has it (policy strict)`]);
    expect(await refused(plain, undefined)).toEqual([undefined]);
    expect(notes).toEqual([expect.stringContaining(`${BASE} did not come through pyrsia`)]);
    gets = 'amd64';
    expect(await refused(plain, 'policy strict')).toEqual([undefined]);
    expect(pulled).toHaveLength(3);
    // It is here now, and a classic builder fetches no cache.
    expect(await refused({ ...plain, besides: '--cache-from' }, 'policy strict')).toEqual([undefined]);
    expect(pulled).toHaveLength(3);
  });

  it('is asked for by a session, which is no build', async () => {
    const targets = ['/session', '/v1.41/session', BUILDKIT, '/grpc', '/build/prune'];
    expect(await refused(undefined, 'PYRSIA_OFFLINE=1', targets)).toEqual([
      undefined,
      undefined,
      expect.stringContaining('pyrsia: '),
      expect.stringContaining('pyrsia: '),
      undefined,
    ]);
  });

  it('is for another machine than what the daemon has', async () => {
    const arm: Bases = { ...plain, images: [{ name: BASE, platform: 'linux/arm64' }] };
    has.set(BASE, 'amd64');
    const [why] = await refused(arm, 'policy strict');
    expect(why).toContain(`${BASE}: nobody has it`);
    has.set(BASE, 'arm64');
    expect(await refused(arm, 'policy strict')).toEqual([undefined]);
    // BuildKit takes what is for its own, the classic builder what is there.
    const count = pulled.length;
    expect(await refused(plain, 'policy strict')).toEqual([undefined]);
    expect(pulled).toHaveLength(count);
    const [other] = await refused(plain, 'policy strict', [BUILDKIT]);
    expect(other).toContain(`${BASE}: nobody has it`);
  });

  it('is for two machines at once, of which a tag can name one', async () => {
    gets = 'amd64';
    const both: Bases = { ...plain, images: [{ name: BASE }, { name: BASE, platform: 'linux/arm64' }] };
    const [why] = await refused(both, 'policy strict', [BUILDKIT]);
    expect(why).toBe(`pyrsia: ${BASE} is not in docker for this machine (policy strict)`);
  });

  it('has what BuildKit reads it with, which the classic builder does without', async () => {
    gets = 'amd64';
    const read: Bases = { ...plain, syntax: { name: 'images.example/syntax' } };
    await refused(read, undefined);
    expect(pulled).toEqual(['127.0.0.1:4000/images.example/base']);
    await refused(read, undefined, [BUILDKIT]);
    expect(pulled.slice(1)).toEqual(['127.0.0.1:4000/images.example/syntax']);
  });

  it('lends what docker shows for a registry to that registry alone', async () => {
    const me = { username: 'me', password: 'secret' };
    const shown = Buffer.from(JSON.stringify({ 'images.example': me, 'other.example': me })).toString(
      'base64',
    );
    await refused(plain, undefined, [CLASSIC], { 'x-registry-config': shown });
    expect(lent).toEqual(['me images.example']);
  });
});
