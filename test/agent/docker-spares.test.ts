import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DockerSpares, openDockerSpares } from '../../src/agent/docker-spares.ts';

const ASKED = 'GET /info HTTP/1.1\r\n\r\n';
const PULL = 'POST /v1.41/images/create?fromImage=a&tag=1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n';
const BUILD = 'POST /v1.41/build?t=x HTTP/1.1\r\nContent-Length: 0\r\n\r\n';
const LONG_AGO = new Date('2020-01-01');

describe('Sockets for launches to come', () => {
  let root: string;
  let daemon: Server;
  let spares: DockerSpares;
  /** What becomes known of a name once somebody speaks there. */
  let known: (name: string) => Promise<unknown>;

  let isThere: boolean;

  beforeEach(async () => {
    isThere = true;
    root = mkdtempSync(join(tmpdir(), 'sp-'));
    daemon = createServer({ allowHalfOpen: true }, (client) => void client.pipe(client));
    await once(daemon.listen(join(root, 'daemon')), 'listening');
    known = async () => Promise.resolve();
    spares = openDockerSpares({
      pathOf: (name, file) => join(root, `${name}.${file}`),
      daemonOf: (name) => {
        if (!isThere) throw new Error('not like this');
        expect(named('taken')).toEqual([name]);
        return join(root, 'daemon');
      },
      known: async (name) => known(name),
      log: () => {},
    });
    await spares.prepare();
  });
  afterEach(async () => {
    await spares.close();
    daemon.close();
    rmSync(root, { recursive: true });
  });

  const named = (ending: string): string[] =>
    readdirSync(root).flatMap((file) =>
      file.endsWith(`.${ending}`) ? file.slice(0, -ending.length - 1) : [],
    );
  const parts = () => ({
    daemon: join(root, 'daemon'),
    answer: async () => Promise.resolve(false),
    log() {},
  });
  /** A spare that was taken. */
  const taken = (): string => {
    const [name] = named('spare');
    writeFileSync(join(root, `${name}.taken`), '');
    return name!;
  };
  const say = async (name: string, text_ = ASKED): Promise<string> => {
    const client = connect({ path: join(root, `${name}.docker`), allowHalfOpen: true });
    client.end(text_);
    return text(client);
  };

  it('are there before a launch is, and as many again when one is served', async () => {
    expect([named('spare').length, named('docker').toSorted()]).toEqual([8, named('spare').toSorted()]);
    const name = taken();
    expect(spares.serve(name, parts())).toBeDefined();
    await spares.prepare();
    expect([named('spare').length, named('spare').includes(name)]).toEqual([8, false]);
    expect(spares.serve('another', parts())).toBeUndefined();
  });

  it('pass on at once what is not about images, and have a pull wait until it is known how it is served', async () => {
    const name = taken();
    const { promise, resolve } = Promise.withResolvers<void>();
    known = async () => promise;
    expect(await say(name)).toBe(ASKED);
    const pulled = say(name, PULL);
    spares.serve(name, {
      ...parts(),
      async answer({ write }) {
        write('ours');
        return Promise.resolve(true);
      },
    });
    resolve();
    expect(await pulled).toBe('ours');
  });

  it('have a build wait, too', async () => {
    const name = taken();
    let isReady = false;
    known = async () => Promise.resolve();
    spares.serve(name, {
      ...parts(),
      async before() {
        isReady = true;
        return Promise.resolve(undefined);
      },
    });
    expect(await say(name, BUILD)).toBe(BUILD);
    expect(isReady).toBe(true);
  });

  it('serve nobody where there is no launch', async () => {
    isThere = false;
    const said = await say(taken());
    expect(said).toMatch(/^HTTP\/1\.1 503 /);
    expect(said).toContain(JSON.stringify({ message: 'pyrsia: not like this' }));
  });

  it('pull nothing past us for a launch that is refused, and build nothing', async () => {
    known = async () => Promise.reject(new Error('not like this'));
    const name = taken();
    expect(await say(name)).toBe(ASKED);
    expect(await say(name, PULL)).toMatch(/^HTTP\/1\.1 500 [^]*"pyrsia: not like this"/);
    expect(await say(name, BUILD)).toMatch(/^HTTP\/1\.1 503 [^]*"pyrsia: not like this"/);
  });

  it('are let go of when the launch is over, or never came', async () => {
    const [over, lost, late] = named('spare');
    spares.serve(over!, parts());
    rmSync(join(root, `${over}.docker`));
    for (const name of [lost, late]) writeFileSync(join(root, `${name}.taken`), '');
    utimesSync(join(root, `${lost}.taken`), LONG_AGO, LONG_AGO);
    spares.review();
    expect([over, lost, late].map((name) => spares.has(name!))).toEqual([false, false, true]);
    await expect.poll(() => existsSync(join(root, `${lost}.docker`))).toBe(false);
  });
});
