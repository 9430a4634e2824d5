import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/content/digest.ts';
import { jar, type MavenGates, openMavenGates, sha1 } from '../support/maven-gates.ts';

const JAR = '/org/example/app/1.0/app-1.0.jar';
const POM = '/org/example/app/1.0/app-1.0.pom';
const METADATA = '/org/example/app/maven-metadata.xml';
const large = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(10 * 2 ** 20)]);
const pom = Buffer.from('<project/>');
const metadata = (version: string) =>
  Buffer.from(
    `<metadata><groupId>org.example</groupId><artifactId>app</artifactId><versioning><release>${version}</release></versioning></metadata>`,
  );

let gates: MavenGates;
let { one, other, cache, artifacts, elapse, get, put, offline, reported } = {} as MavenGates;

beforeEach(async () => {
  gates = await openMavenGates();
  ({ one, other, cache, artifacts, elapse, get, put, offline, reported } = gates);
});
afterEach(async () => gates[Symbol.asyncDispose]());

describe('an artifact', () => {
  it.each([
    ['bare', (hex: string) => hex],
    ['with a line end', (hex: string) => `${hex}\n`],
    ['in capitals', (hex: string) => hex.toUpperCase()],
    ['with the name of the file', (hex: string) => `${hex}  app-1.0.jar\n`],
    ['with a path and more', (hex: string) => `${hex} /home/build/target/app-1.0.jar and more\n`],
    ['behind its name', (hex: string) => `SHA1(app-1.0.jar)= ${hex}\n`],
  ])('is held against the checksum beside it, %s, and asked for once', async (_, spelled) => {
    one.shelf[JAR] = jar;
    one.shelf[`${JAR}.sha1`] = spelled(sha1(jar));
    expect(await get(JAR)).toMatchObject({
      status: 200,
      body: jar,
      headers: { 'x-checksum-sha1': sha1(jar) },
    });
    expect((await get(`${JAR}.sha1`)).body.toString()).toBe(sha1(jar));
    expect(await get(JAR)).toMatchObject({ status: 200, body: jar });
    expect(one.requests).toEqual([JAR, `${JAR}.sha1`]);
    expect(reported()).toMatchObject([{ purl: 'pkg:maven/org.example/app@1.0', word: 'declared' }]);
  });

  it('is asked for at once with the checksum beside it where that had the last one', async () => {
    put(JAR, jar);
    expect(await get(JAR)).toMatchObject({ status: 200 });
    one.shelf[`${POM}.sha1`] = sha1(pom);
    one.shelf[POM] = (_, response) => {
      const look = setInterval(() => {
        if (!one.requests.includes(`${POM}.sha1`)) return;
        clearInterval(look);
        response.end(pom);
      }, 1);
    };
    expect(await get(POM)).toMatchObject({ status: 200, body: pom });
    expect(one.requests).toHaveLength(4);
  });

  it('is asked for alone where the last one was not there', async () => {
    put(JAR, jar);
    expect(await get(JAR)).toMatchObject({ status: 200 });
    for (const path of ['/org/example/app/2.0/app-2.0.jar', '/org/example/app/3.0/app-3.0.jar'])
      expect(await get(path)).toMatchObject({ status: 404 });
    expect(one.requests.filter((path) => path.endsWith('.sha1'))).toHaveLength(2);
    expect(one.requests.at(-1)).toBe('/org/example/app/3.0/app-3.0.jar');
  });

  it.each([
    ['small', jar],
    ['large', large],
  ])('with one flipped byte is not delivered: a %s one', async (_, bytes) => {
    put(JAR, bytes);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 5]! ^= 1;
    one.shelf[JAR] = flipped;
    const reply = await get(JAR).catch(() => undefined);
    expect(reply?.status === 403 || reply?.complete !== true).toBe(true);
    expect(reply?.body.equals(flipped) ?? false).toBe(false);
    expect(reported()).toMatchObject([{ outcome: 'refused' }]);
    // Nothing of it is remembered.
    one.shelf[JAR] = bytes;
    expect((await get(JAR)).body.equals(bytes)).toBe(true);
  });

  it('with a wrong checksum beside it is refused with what was wanted and what came', async () => {
    one.shelf[JAR] = jar;
    one.shelf[`${JAR}.sha1`] = '0'.repeat(40);
    const reply = await get(JAR);
    expect([reply.status, reply.body.toString()]).toEqual([
      403,
      expect.stringContaining(`expected sha1:${'0'.repeat(40)}`),
    ]);
    expect(reply.phrase).toContain('pyrsia: ');
    expect((await get(`${JAR}.sha1`)).status).toBe(403);
  });

  it.each([
    ['X-Checksum-Sha256', (bytes: Buffer) => hexOf(digestOf(bytes, 'sha256'))],
    ['X-Checksum-Sha1', sha1],
    ['ETag', (bytes: Buffer) => `"{SHA1{${sha1(bytes)}}}"`],
  ])('is held against what upstream says in %s', async (name, value) => {
    one.shelf[JAR] = (_, response) => response.setHeader(name, value(jar)).end(jar);
    one.shelf[POM] = (_, response) => response.setHeader(name, value(jar)).end(pom);
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect((await get(POM)).status).toBe(403);
    expect(one.requests).toEqual([JAR, POM]);
  });

  it('without a checksum is known again by its bytes', async () => {
    one.shelf[JAR] = jar;
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect((await get(`${JAR}.sha1`)).body.toString()).toBe(sha1(jar));
    expect(one.requests).toEqual(['', '.sha1', '.sha512', '.sha256'].map((ending) => `${JAR}${ending}`));
    expect(reported()).toMatchObject([{ word: 'unknown', by: 'nobody' }]);
    await artifacts.settled();
    const [bound] = cache.bindings.find({ digest: digestOf(jar, 'sha256') });
    await cache.content.delete(digestOf(jar, 'sha256'));
    const changed = Buffer.from(jar);
    changed[100]! ^= 1;
    one.shelf[JAR] = changed;
    expect(bound?.coordinates.name).toBe('org.example:app');
    expect((await get(JAR)).status).toBe(403);
  });

  it('is not a web page in its place', async () => {
    one.shelf[JAR] = '<!DOCTYPE html><html>Please log in</html>';
    one.shelf[POM] = '<html><body>Please log in</body></html>';
    for (const path of [JAR, POM]) {
      const reply = await get(path);
      expect([reply.status, reply.body.toString()]).toEqual([
        424,
        expect.stringContaining('something else came'),
      ]);
    }
    // And it is asked for again.
    put(JAR, jar);
    expect((await get(JAR)).body.equals(jar)).toBe(true);
  });

  it('that upstream does not have is asked for once in a while', async () => {
    for (let times = 0; times < 3; times++) expect((await get(JAR)).status).toBe(404);
    expect(one.requests).toEqual([JAR]);
    put(JAR, jar);
    elapse(61_000);
    expect((await get(JAR)).status).toBe(200);
    expect(reported()).toHaveLength(1);
  });

  it.each([500, 502, 503, 429])(
    'that upstream answers with %s is neither absent nor asked for again at once',
    async (status) => {
      one.shelf[JAR] = (_, response) => void response.writeHead(status).end();
      const reply = await get(JAR);
      expect([reply.status, reply.phrase]).toEqual([424, expect.stringContaining(`status ${status}`)]);
    },
  );

  it('is another one in another repository', async () => {
    const theirs = Buffer.concat([jar, Buffer.from('other')]);
    put(JAR, jar, one);
    put(JAR, theirs, other);
    for (let times = 0; times < 2; times++) {
      expect((await get(JAR, one)).body.equals(jar)).toBe(true);
      expect((await get(JAR, other)).body.equals(theirs)).toBe(true);
      expect((await get(`${JAR}.sha1`, other)).body.toString()).toBe(sha1(theirs));
    }
    offline(one);
    offline(other);
    expect((await get(JAR, other)).body.equals(theirs)).toBe(true);
  });

  it('is asked for once by all who want it at the same time', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    put(JAR, jar);
    one.shelf[JAR] = (_, response) => void begun.then(() => response.end(jar));
    const all = Array.from({ length: 8 }, async () => get(JAR));
    await expect.poll(() => one.requests.length).toBe(1);
    begin();
    for (const reply of await Promise.all(all)) expect(reply.body.equals(jar)).toBe(true);
    expect(one.requests).toEqual([JAR, `${JAR}.sha1`]);
  });

  it('is there offline once it was seen, and else named', async () => {
    put(JAR, jar);
    await get(JAR);
    offline();
    expect((await get(JAR)).body.equals(jar)).toBe(true);
    expect((await get(`${JAR}.sha1`)).body.toString()).toBe(sha1(jar));
    const missing = await get(POM);
    expect([missing.status, missing.phrase]).toEqual([
      424,
      expect.stringContaining('pkg:maven/org.example/app@1.0?type=pom'),
    ]);
  });

  it('that nobody vouches for is refused where the policy asks for more', async () => {
    one.asker = { ...one.asker, policy: 'locked' };
    one.shelf[JAR] = jar;
    expect((await get(JAR)).status).toBe(403);
    put(POM, pom);
    expect((await get(POM)).status).toBe(200);
    one.asker = { ...one.asker, policy: 'strict' };
    put('/org/example/app/1.0/app-1.0.war', jar);
    expect((await get('/org/example/app/1.0/app-1.0.war')).status).toBe(403);
  });
});

describe('a document', () => {
  it('is asked for with a condition, and told with its own checksum', async () => {
    const conditions: unknown[] = [];
    one.shelf[METADATA] = (request, response) => {
      conditions.push(request.headers['if-none-match']);
      if (request.headers['if-none-match'] === '"a"') response.writeHead(304).end();
      else response.setHeader('etag', '"a"').end(metadata('1.0'));
    };
    for (let times = 0; times < 2; times++) {
      expect((await get(METADATA)).body.equals(metadata('1.0'))).toBe(true);
      expect((await get(`${METADATA}.sha1`)).body.toString()).toBe(sha1(metadata('1.0')));
    }
    expect(conditions).toEqual([undefined, '"a"']);
    offline();
    const stale = await get(METADATA);
    expect([stale.status, stale.headers['warning']]).toEqual([200, expect.stringContaining('110')]);
  });

  it('of a snapshot tells of its latest build', async () => {
    const path = '/org/example/app/1.0-SNAPSHOT/maven-metadata.xml';
    for (const build of ['20260101.000000-1', '20260102.000000-2']) {
      one.shelf[path] = `<metadata><versioning><snapshot>${build}</snapshot></versioning></metadata>`;
      put(`/org/example/app/1.0-SNAPSHOT/app-1.0-${build}.jar`, Buffer.concat([jar, Buffer.from(build)]));
      expect((await get(path)).body.toString()).toContain(build);
      expect((await get(`/org/example/app/1.0-SNAPSHOT/app-1.0-${build}.jar`)).status).toBe(200);
    }
    expect(reported().map(({ purl }) => purl)).toEqual([
      'pkg:maven/org.example/app@1.0-20260101.000000-1',
      'pkg:maven/org.example/app@1.0-20260102.000000-2',
    ]);
  });

  it.each(['md5', 'sha256', 'sha512'])('with a digest by %s is passed on, and kept', async (algorithm) => {
    const length = { md5: 32, sha256: 64, sha512: 128 }[algorithm]!;
    one.shelf[`${JAR}.${algorithm}`] = 'a'.repeat(length);
    expect((await get(`${JAR}.${algorithm}`)).body.toString()).toBe('a'.repeat(length));
    offline();
    expect((await get(`${JAR}.${algorithm}`)).body.toString()).toBe('a'.repeat(length));
  });

  it.each([
    ['a login page', '<!DOCTYPE html><html>Please log in</html>'],
    ['cut short', metadata('1.0').subarray(0, 60)],
    ['a bomb', `<!DOCTYPE a [<!ENTITY b "${'b'.repeat(1000)}">]><metadata>&b;</metadata>`],
    [
      '50 MB of it',
      Buffer.concat([Buffer.from('<metadata>'), Buffer.alloc(50_000_000, ' '), Buffer.from('</metadata>')]),
    ],
    ['a thousand elements deep', `<metadata>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</metadata>`],
  ])('that is %s is not delivered', async (_, body) => {
    one.shelf[METADATA] = body;
    expect((await get(METADATA)).status).toBe(424);
  });

  it('that upstream does not have is asked for once in a while', async () => {
    for (let times = 0; times < 3; times++) expect((await get(METADATA)).status).toBe(404);
    expect(one.requests).toEqual([METADATA]);
  });
});

describe('anything else', () => {
  it('is passed on', async () => {
    one.shelf['/.meta/prefixes.txt'] = '/org';
    expect((await get('/.meta/prefixes.txt')).body.toString()).toBe('/org');
    expect((await get('/archetype-catalog.xml')).status).toBe(404);
  });

  it('is not asked for where it climbs out of the repository', async () => {
    for (const path of ['/org/..%2fsecret', '/org/example/app/1.0/..%5capp-1.0.jar'])
      expect((await get(path)).status).toBe(403);
    expect(one.requests).toEqual([]);
  });
});
