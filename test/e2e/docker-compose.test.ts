/** What Docker Compose asks of a daemon, as it was recorded, gets the same answers through us as without. */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canDocker } from '../support/docker.ts';
import { type DockerWorld, openDockerWorld } from './docker-world.ts';

/** A request as it was recorded; without a status it was upgraded. */
interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What came of it. */
type Told = readonly [request: string, status: number | undefined, said: unknown];

const recorded = JSON.parse(
  readFileSync('test/data/docker-compose/up-down.json', 'utf8'),
) as readonly Recorded[];

/** What is another each time: ids, times, where things lie, and how far a container has come by then. */
const PASSING = new Set(
  'Created GraphDriver Metadata NetworkSettings Pid State Status Hostname traceparent'.split(' '),
);

describe.skipIf(!canDocker)('Docker Compose', { timeout: 60_000 }, () => {
  let world: DockerWorld;
  beforeAll(async () => {
    world = await openDockerWorld();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('is answered through us as it is without, and has its images from us', async () => {
    const without = await replay(world.dockerd.socket, world.front.host);
    expect(without.slice(0, -1).map(([, status]) => status)).toEqual(
      recorded.map(({ status = 101 }) => status),
    );
    await world.dockerd.clear();

    const { stdout } = await world.sandbox.pyrsia(
      ['env', '--docker', '--shell', 'sh', '--json', '--pid', String(process.pid)],
      { env: { DOCKER_HOST: world.dockerd.host } },
    );
    const { host } = JSON.parse(stdout) as { host: string };
    expect(await replay(host.slice('unix://'.length), world.front.host)).toEqual(without);
    const cached = await world.sandbox.pyrsia(['cache', 'ls', '--ecosystem', 'docker', '--json']);
    for (const name of ['app', 'db']) expect(cached.stdout).toContain(`${world.front.host}/org/${name}`);
  });
});

/** Says all of it to the daemon behind `socketPath`, one after the other. */
async function replay(socketPath: string, registry: string): Promise<Told[]> {
  const ids = new Map([['{registry}', registry]]);
  const named = (written: string): string =>
    written.replaceAll(/\{(?:registry|web|db)\}/g, (name) => ids.get(name) ?? name);
  const told: Told[] = [];
  const attached: Promise<string>[] = [];
  let events: IncomingMessage | undefined;
  for (const { method, path, headers, body } of recorded) {
    // It stops what has ended.
    if (path.endsWith('/stop')) await ended(socketPath, named(path));
    const sent = body === undefined ? '' : named(JSON.stringify(body));
    const asked = request({
      socketPath,
      method,
      path: named(path),
      headers: { ...headers, 'content-length': Buffer.byteLength(sent) },
      agent: false,
    });
    asked.end(sent);
    const line = `${method} ${path}`;
    if (headers?.['upgrade'] !== undefined) {
      const [answer, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket];
      const output = text(socket);
      attached.push(output);
      told.push([line, answer.statusCode, undefined]);
      continue;
    }
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    if (path.includes('/events?')) {
      events = answer;
      told.push([line, answer.statusCode, undefined]);
      continue;
    }
    const said = await text(answer);
    const [, service] = /create\?name=recorded-(\w+)-1/.exec(path) ?? [];
    if (service !== undefined) ids.set(`{${service}}`, (JSON.parse(said) as { Id: string }).Id);
    told.push([line, answer.statusCode, lasting(said, ids)]);
  }
  events?.destroy();
  told.push(['attach', undefined, (await Promise.all(attached)).toSorted()]);
  return told;
}

/** Waits for the end of the container that is about to be stopped. */
async function ended(socketPath: string, path: string): Promise<void> {
  const waiting = request({ socketPath, method: 'POST', path: path.replace(/stop$/, 'wait'), agent: false });
  waiting.end();
  const [answer] = (await once(waiting, 'response')) as [IncomingMessage];
  await text(answer);
}

/** An answer without what is another each time. Of a pull it is how it ended. */
function lasting(said: string, ids: ReadonlyMap<string, string>): unknown {
  if (said.startsWith('{"status"')) return said.trim().split('\r\n').slice(-2);
  if (!/^[[{]/.test(said)) return said;
  let written = said;
  for (const [name, id] of ids) if (name !== '{registry}') written = written.replaceAll(id, name);
  return JSON.parse(written, (key, value: unknown) => {
    if (PASSING.has(key)) return undefined;
    return Array.isArray(value) ? value.toSorted(byText) : value;
  });
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
