import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DockerSpares, openDockerSpares } from '../../src/agent/docker-spares.ts';

const ASKED = 'GET /info HTTP/1.1\r\n\r\n';
const LONG_AGO = new Date('2020-01-01');

describe('Sockets for launches to come', () => {
  let root: string;
  let daemon: Server;
  let spares: DockerSpares;
  /** What becomes known of a name once somebody speaks there. */
  let known: (name: string) => Promise<unknown>;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'sp-'));
    daemon = createServer({ allowHalfOpen: true }, (client) => void client.pipe(client));
    await once(daemon.listen(join(root, 'daemon')), 'listening');
    known = async () => Promise.resolve();
    spares = openDockerSpares({
      pathOf: (name, file) => join(root, `${name}.${file}`),
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
  const say = async (name: string): Promise<string> => {
    const client = connect({ path: join(root, `${name}.docker`), allowHalfOpen: true });
    client.end(ASKED);
    return text(client);
  };

  it('are there before a launch is, and as many again when one is served', async () => {
    expect([named('spare').length, named('docker').toSorted()]).toEqual([8, named('spare').toSorted()]);
    const [name] = named('spare');
    writeFileSync(join(root, `${name}.taken`), '');
    expect(spares.serve(name!, parts())).toBeDefined();
    await spares.prepare();
    expect([named('spare').length, named('spare').includes(name!)]).toEqual([8, false]);
    expect(spares.serve('another', parts())).toBeUndefined();
  });

  it('have whoever speaks wait until it is known how the launch is served', async () => {
    const [name] = named('spare');
    known = async (asked) => {
      expect(asked).toBe(name);
      spares.serve(asked, parts());
      return Promise.resolve();
    };
    expect(await say(name!)).toBe(ASKED);
  });

  it.each([
    [
      'the launch is refused',
      async () => Promise.reject(new Error('not like this')),
      'pyrsia: not like this',
    ],
    ['there is none', async () => Promise.resolve(), 'pyrsia: The agent refused: there is no such launch'],
  ])('serve nobody where %s', async (_, find, message) => {
    known = find;
    const said = await say(named('spare')[0]!);
    expect(said).toMatch(/^HTTP\/1\.1 503 /);
    expect(said).toContain(JSON.stringify({ message }));
  });

  it('are let go of when the launch is over, or never came', async () => {
    const [over, lost, taken] = named('spare');
    spares.serve(over!, parts());
    rmSync(join(root, `${over}.docker`));
    for (const name of [lost, taken]) writeFileSync(join(root, `${name}.taken`), '');
    utimesSync(join(root, `${lost}.taken`), LONG_AGO, LONG_AGO);
    spares.review();
    expect([over, lost, taken].map((name) => spares.has(name!))).toEqual([false, false, true]);
    await expect.poll(() => existsSync(join(root, `${lost}.docker`))).toBe(false);
  });
});
