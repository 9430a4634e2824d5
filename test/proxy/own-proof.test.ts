import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namedBase, namedIn } from '../../src/proxy/admission.ts';
import { ask, type Reply } from '../support/ask.ts';
import { start } from '../support/command.ts';
import { jar, type MavenGates, NAME, openMavenGates, sha1 } from '../support/maven-gates.ts';
import { asUser, unprivileged } from '../support/user.ts';

const JAR = '/org/example/app/1.0/app-1.0.jar';
const basic = (name: string): string =>
  `Basic ${Buffer.from(`${name}:s3cret of ${name}`).toString('base64')}`;
const someone = unprivileged();
const stranger = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;
const TOKEN = { 'private-token': 't0ken' };

let gates: MavenGates;
let { one, other, cache, artifacts } = {} as MavenGates;
/** With which headers the repository was asked. */
let shown: IncomingHttpHeaders[];

beforeEach(async () => {
  gates = await openMavenGates();
  ({ one, other, cache, artifacts } = gates);
  shown = [];
  one.asker = { ...one.asker, proof: { byPassword: true, headers: [] } };
});
afterEach(async () => gates[Symbol.asyncDispose]());

/** Puts the jar there for whoever these headers let in. */
function guard(lets: (headers: IncomingHttpHeaders) => boolean): void {
  const given = (bytes: Buffer | string) => (request: IncomingMessage, response: ServerResponse) => {
    shown.push(request.headers);
    if (lets(request.headers)) response.end(bytes);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="theirs"' }).end();
  };
  one.shelf[JAR] = given(jar);
  one.shelf[`${JAR}.sha1`] = given(sha1(jar));
}

const get = async (headers: Record<string, string> = {}, path = JAR, name = NAME): Promise<Reply> =>
  ask(new URL(path.slice(1), namedBase(one.gate.base, name)), { headers });
const isMine = ({ authorization }: IncomingHttpHeaders): boolean => authorization === basic('me');

describe('A registry to which a client proves who its user is', () => {
  it('is asked once the client has shown a name and a password, which goes there only if it asks for that', async () => {
    guard(isMine);
    const first = await get();
    expect([first.status, first.headers['www-authenticate'], one.requests]).toEqual([
      401,
      expect.stringMatching(/^Basic realm="127\.0\.0\.1:\d+"$/),
      [],
    ]);
    const reply = await get({ authorization: basic('me') });
    expect([reply.status, reply.body.equals(jar)]).toEqual([200, true]);
    // Refused without, then asked with, and from then on with.
    expect(shown.map(({ authorization }) => authorization)).toEqual([undefined, basic('me'), basic('me')]);
    expect(gates.reported()).toMatchObject([{ word: 'declared', private: true }]);
  });

  it('is not shown a password that it can do without', async () => {
    guard(() => true);
    expect((await get({ authorization: basic('me') })).status).toBe(200);
    expect(shown.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });

  it('is another one for each user, and of nobody is the secret kept', async () => {
    guard(isMine);
    for (let times = 0; times < 2; times++)
      expect((await get({ authorization: basic('me') })).status).toBe(200);
    await artifacts.settled();
    expect(shown).toHaveLength(3);
    const you = await get({ authorization: basic('you') });
    expect([you.status, you.body.equals(jar)]).toEqual([401, false]);
    // Nor is what one has given them given to who shows nothing.
    one.asker = { ...one.asker, proof: { byPassword: false, headers: [] } };
    expect((await get()).status).toBe(401);
    const files = globSync('**/*', { cwd: cache.path }).map((path) => join(cache.path, path));
    const held = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, 'latin1'));
    expect(held.some((text) => text.includes('org.example:app'))).toBe(true);
    expect(held.filter((text) => /s3cret|bWU6czNjcmV0|#me\b/.test(text))).toEqual([]);
  });

  it('has what was seen for its user when nobody can be asked', async () => {
    guard(isMine);
    expect((await get({ authorization: basic('me') })).status).toBe(200);
    await artifacts.settled();
    gates.offline();
    expect((await get()).status).toBe(401);
    expect((await get({ authorization: basic('me') })).body.equals(jar)).toBe(true);
    expect((await get({ authorization: basic('you') })).status).toBe(424);
  });

  it('is shown the headers that are meant for it, whatever they are called', async () => {
    one.asker = { ...one.asker, proof: { byPassword: false, headers: ['private-token', 'authorization'] } };
    guard(
      ({ authorization, ...headers }) => authorization === 'Bearer x' && headers['private-token'] === 't0ken',
    );
    const reply = await get({ ...TOKEN, authorization: 'Bearer x' });
    expect([reply.status, reply.body.equals(jar)]).toEqual([200, true]);
  });

  it.each(['password', 'header'])(
    'that sends on to another place does not have its %s shown there',
    async (what) => {
      const proof = what === 'header' ? TOKEN : { authorization: basic('me') };
      one.asker = { ...one.asker, proof: { byPassword: what === 'password', headers: Object.keys(TOKEN) } };
      const theirs: IncomingHttpHeaders[] = [];
      other.shelf['/elsewhere'] = (request, response) => {
        theirs.push(request.headers);
        response.end(jar);
      };
      one.shelf[JAR] = ({ headers }, response) => {
        const isShown = Object.entries(proof).every(([name, value]) => headers[name] === value);
        response.writeHead(isShown ? 302 : 401, {
          location: new URL('/elsewhere', other.asker.upstream.url).href,
        });
        response.end();
      };
      expect((await get(proof)).body.equals(jar)).toBe(true);
      expect(theirs).toHaveLength(1);
      expect(Object.keys(theirs[0]!)).not.toContain(Object.keys(proof)[0]);
    },
  );
});

describe('A request that names its launch', () => {
  it('is let in where the client shows what it has to the registry, and nowhere else', async () => {
    one.shelf[JAR] = jar;
    one.asker = { ...one.asker, proof: { byPassword: false, headers: [] } };
    expect((await get()).status).toBe(200);
    expect((await get({}, JAR, NAME.replace('1', '2'))).status).toBe(401);
    one.requests.length = 0;
    const { proof: _, ...asker } = one.asker;
    one.asker = asker;
    expect((await get()).status).toBe(401);
    expect(one.requests).toEqual([]);
  });

  it.runIf(stranger)('is turned away when it is another user’s', async () => {
    one.shelf[JAR] = jar;
    one.asker = { ...one.asker, proof: { byPassword: false, headers: [] } };
    const url = new URL(JAR.slice(1), namedBase(one.gate.base, NAME));
    const script = `fetch('${url.href}').then(({ status }) => console.log(status))`;
    const { stdout } = await start(asUser(stranger!, [process.execPath, '-e', script])).result;
    expect(stdout.trim()).toBe('403');
    expect(one.requests).toEqual([]);
  });

  it('asks for what stands behind the name', () => {
    expect(namedIn(new URL(namedBase('http://127.0.0.1:1/', NAME)).pathname)).toEqual({
      name: NAME,
      url: '/',
    });
    for (const url of ['/', '/.pyrsia/x/a', `/.pyrsia/${NAME}`, `/a/.pyrsia/${NAME}/b`])
      expect(namedIn(url)).toBeUndefined();
  });
});
