import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf, hexOf } from '../../src/content/digest.ts';
import { jar, type MavenGates, openMavenGates, sha1 } from '../support/maven-gates.ts';

const JAR = '/org/example/app/1.0/app-1.0.jar';
const SNAPSHOT = '/org/example/app/1.0-SNAPSHOT/app-1.0-SNAPSHOT.jar';
const other = Buffer.concat([jar, Buffer.from('other')]);
const hex = (bytes: Buffer, algorithm: 'sha256' | 'sha512'): string => hexOf(digestOf(bytes, algorithm));

let gates: MavenGates;
let { one, cache, artifacts, contradictions, elapse, get, put, offline, reported } = {} as MavenGates;

beforeEach(async () => {
  gates = await openMavenGates();
  ({ one, cache, artifacts, contradictions, elapse, get, put, offline, reported } = gates);
});
afterEach(async () => gates[Symbol.asyncDispose]());

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const status =
  (code: number): Answer =>
  (_, response) =>
    void response.writeHead(code).end();

describe('A checksum beside an artifact', () => {
  it.each<[string, Answer]>([
    ['answers 500', status(500)],
    ['answers 429', status(429)],
    ['says nothing', () => {}],
    ['breaks off', (_, response) => void response.writeHead(200, { 'content-length': 40 }).write('0')],
    ['hangs up', (request) => void request.socket.destroy()],
  ])('that %s is not one that is not there', { timeout: 20_000 }, async (_, answer) => {
    put(JAR, jar);
    one.shelf[`${JAR}.sha1`] = answer;
    const reply = await get(JAR);
    // Whoever hangs up is not asked any further, for the jar neither.
    const because = /app-1\.0\.jar\.sha1|app@1\.0 \(connection closed before/;
    expect([reply.status, reply.phrase]).toEqual([424, expect.stringMatching(because)]);
    await artifacts.settled();
    expect(cache.bindings.find({ digest: digestOf(jar, 'sha256') })).toEqual([]);
    // Nor is it remembered.
    elapse(6000);
    put(JAR, jar);
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect(reported().at(-1)).toMatchObject({ word: 'declared', by: 'the registry' });
  });

  it.each([403, 404, 410])('is not there where its repository answers with %s', async (code) => {
    put(JAR, jar);
    one.shelf[`${JAR}.sha1`] = status(code);
    expect((await get(JAR)).status).toBe(200);
    expect(reported()).toMatchObject([{ word: 'unknown' }]);
  });

  it.each(['sha512', 'sha256'] as const)('by %s holds where there is no usual one', async (algorithm) => {
    one.shelf[JAR] = jar;
    one.shelf[`${JAR}.${algorithm}`] = hex(other, algorithm);
    expect((await get(JAR)).status).toBe(403);
    one.shelf[`${JAR}.${algorithm}`] = `${hex(jar, algorithm)}  app-1.0.jar\n`;
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect(reported().at(-1)).toMatchObject({ word: 'declared' });
  });

  it('is not looked for time and again where a repository has none', async () => {
    const jars = ['a', 'b', 'c'].map((name) => `/org/example/${name}/1.0/${name}-1.0.jar`);
    for (const path of jars) {
      one.shelf[path] = jar;
      expect((await get(path)).status).toBe(200);
    }
    const [first, ...others] = jars;
    expect(one.requests).toEqual([
      ...['', '.sha1', '.sha512', '.sha256'].map((ending) => `${first}${ending}`),
      ...others.flatMap((path) => [path, `${path}.sha1`]),
    ]);
  });

  it('is a strong one where the policy asks for that', async () => {
    one.asker = { ...one.asker, policy: 'strict' };
    put(JAR, jar);
    expect((await get(JAR)).status).toBe(403);
    one.shelf[`${JAR}.sha256`] = hex(jar, 'sha256');
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect(reported().at(-1)).toMatchObject({ word: 'declared' });
    expect(reported().at(-1)?.weak).toBeUndefined();
  });

  it.each(['sha512', 'sha256'] as const)(
    'that a tool has asked for holds as well: %s, wrong before',
    async (algorithm) => {
      put(JAR, jar);
      one.shelf[`${JAR}.${algorithm}`] = hex(other, algorithm);
      expect((await get(`${JAR}.${algorithm}`)).body.toString()).toBe(hex(other, algorithm));
      const reply = await get(JAR);
      expect([reply.status, reply.body.toString()]).toEqual([403, expect.stringContaining(`${algorithm}:`)]);
    },
  );

  it.each(['sha512', 'sha256'] as const)('by %s is held against bytes that were seen', async (algorithm) => {
    put(JAR, jar);
    expect((await get(JAR)).status).toBe(200);
    await artifacts.settled();
    const said = `${hex(jar, algorithm)}  app-1.0.jar`;
    one.shelf[`${JAR}.${algorithm}`] = said;
    expect((await get(`${JAR}.${algorithm}`)).body.toString()).toBe(said);
    one.shelf[`${JAR}.${algorithm}`] = hex(other, algorithm);
    expect((await get(`${JAR}.${algorithm}`)).status).toBe(403);
    expect(contradictions).toMatchObject([
      { expected: `${algorithm}:${hex(jar, algorithm)}`, actual: `${algorithm}:${hex(other, algorithm)}` },
    ]);
  });

  it('is weak by SHA-1, and then the SHA-256 of the bytes at first use holds', async () => {
    put(JAR, jar);
    await get(JAR);
    await artifacts.settled();
    expect(reported()).toMatchObject([{ weak: true }]);
    const sha256: Digest = digestOf(jar, 'sha256');
    expect(cache.bindings.find({ digest: sha256 })).toHaveLength(1);
    await cache.content.delete(sha256);
    put(JAR, other);
    const reply = await get(JAR);
    expect([reply.status, reply.body.toString()]).toEqual([403, expect.stringContaining(sha256)]);
    expect(contradictions).toHaveLength(1);
  });
});

describe('A snapshot that is not called after its build', () => {
  it('is another one each time, and there when nobody can be asked', async () => {
    for (const bytes of [jar, other]) {
      put(SNAPSHOT, bytes);
      expect((await get(SNAPSHOT)).body.equals(bytes)).toBe(true);
      expect((await get(`${SNAPSHOT}.sha1`)).body.toString()).toBe(sha1(bytes));
    }
    expect(one.requests).toEqual([SNAPSHOT, `${SNAPSHOT}.sha1`, SNAPSHOT, `${SNAPSHOT}.sha1`]);
    expect(contradictions).toEqual([]);
    one.shelf[SNAPSHOT] = status(503);
    expect((await get(SNAPSHOT)).body.equals(other)).toBe(true);
    expect(gates.notes()).toEqual([expect.stringContaining('taken from the cache: status 503')]);
    offline();
    expect((await get(SNAPSHOT)).body.equals(other)).toBe(true);
    expect((await get(`${SNAPSHOT}.sha1`)).body.toString()).toBe(sha1(other));
  });

  it('is held against its checksum each time', async () => {
    put(SNAPSHOT, jar);
    expect((await get(SNAPSHOT)).status).toBe(200);
    one.shelf[SNAPSHOT] = other;
    expect((await get(SNAPSHOT)).status).toBe(403);
    one.shelf[SNAPSHOT] = jar;
    expect((await get(SNAPSHOT)).body.equals(jar)).toBe(true);
  });

  it('is gone where its repository has it no longer', async () => {
    put(SNAPSHOT, jar);
    expect((await get(SNAPSHOT)).status).toBe(200);
    delete one.shelf[SNAPSHOT];
    expect((await get(SNAPSHOT)).status).toBe(404);
  });
});

describe('What lies beside an artifact', () => {
  it.each([
    ['asc', '-----BEGIN PGP SIGNATURE-----\n'],
    ['md5', 'd41d8cd98f00b204e9800998ecf8427e'],
  ])('is passed on and kept: .%s', async (ending, text) => {
    one.shelf[`${JAR}.${ending}`] = text;
    expect((await get(`${JAR}.${ending}`)).body.toString()).toBe(text);
    offline();
    expect((await get(`${JAR}.${ending}`)).body.toString()).toBe(text);
  });
});

describe('A name', () => {
  it('in another case is another one', async () => {
    const paths = ['/org/example/App/1.0/App-1.0.jar', '/org/Example/app/1.0/app-1.0.jar', JAR];
    const bytes = paths.map((path) => Buffer.concat([jar, Buffer.from(path)]));
    paths.forEach((path, at) => put(path, bytes[at]!));
    for (const path of [...paths, ...paths]) expect((await get(path)).status).toBe(200);
    offline();
    for (const [at, path] of paths.entries()) expect((await get(path)).body.equals(bytes[at]!)).toBe(true);
  });

  it.each(['..', '..%2f..', '.', 'a%5c..', 'a%00', ''])(
    'of which a component is %j leads nowhere',
    async (component) => {
      for (const path of [
        `/org/${component}/app/1.0/app-1.0.jar`,
        `/org/example/app/${component}/app-${component}.jar`,
      ]) {
        const { status: code } = await get(path);
        expect([403, 404]).toContain(code);
      }
      const outside = one.requests.filter((path) => /%|\\|\/\.{1,2}\//.test(path));
      expect(outside).toEqual([]);
    },
  );
});
