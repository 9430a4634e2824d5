import { mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { namespaceDirectory, socketPath } from '../../src/control/directory.ts';
import { until, world } from './world.ts';
import type { World } from './world.ts';

// Every test starts processes, on machines that may have better things to do.
vi.setConfig({ testTimeout: 60_000 });

/** Something that listens where the agent should. */
async function impostor(w: World, answer: (socket: Socket) => void): Promise<AsyncDisposable> {
  mkdirSync(w.paths.runtime, { recursive: true, mode: 0o700 });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(socketPath(w.paths.runtime), resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a client', () => {
  it('calls an agent beside other clients, each with its own answers', async () => {
    await using w = world();
    await using a = await w.connect();
    await using b = await w.connect();
    const removed = await Promise.all(
      [a, b, a, b].map((client, i) =>
        client.call('cache.rm', { digests: Array.from({ length: i }, () => 'é'.repeat(60_000)) }),
      ),
    );
    expect(removed.map((answer) => answer.removed)).toEqual([0, 1, 2, 3]);
  });

  it('gets the progress, then the error with its evidence', async () => {
    await using w = world();
    await using agent = await w.connect();
    const seen: number[] = [];
    const pulled = agent.call(
      'pull',
      { reference: 'npm:nothing', cwd: '/', env: {} },
      { onProgress: ({ bytes }) => seen.push(bytes) },
    );
    await expect(pulled).rejects.toMatchObject({ code: 'NOT_FOUND', details: { what: 'npm:nothing' } });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('gets an error that is none of ours as a refusal', async () => {
    await using w = world();
    await using agent = await w.connect();
    await expect(agent.call('end', { id: 'x' })).rejects.toMatchObject({
      code: 'AGENT_REFUSED',
      details: { reason: 'nobody wrote this' },
    });
    await expect(agent.call('make.coffee' as 'status', {})).rejects.toMatchObject({
      details: { reason: 'it does not know "make.coffee"' },
    });
  });

  it('aborts a call on both sides', async () => {
    await using w = world();
    await using agent = await w.connect();
    const stopped = new AbortController();
    const pulled = agent.call(
      'pull',
      { reference: 'npm:endless', cwd: '/', env: {} },
      {
        signal: stopped.signal,
        onProgress: ({ bytes }) => bytes === 3 && stopped.abort(new Error('enough')),
      },
    );
    await expect(pulled).rejects.toThrow('enough');
    await until(() => readFileSync(join(w.paths.state, 'agent.log'), 'utf8').includes('Gave up npm:endless'));
    expect(await agent.call('status', {})).toMatchObject({ running: true });
    await expect(agent.call('status', {}, { signal: stopped.signal })).rejects.toThrow('enough');
  });

  it('is told when the agent dies in the middle of a call', async () => {
    await using w = world();
    await using agent = await w.connect();
    const pulled = agent.call('pull', { reference: 'npm:endless', cwd: '/', env: {} });
    process.kill(agent.hello.pid, 'SIGKILL');
    await expect(pulled).rejects.toMatchObject({ code: 'AGENT_UNAVAILABLE' });
    await agent.closed;
  });

  it('does not wait for what never says hello', async () => {
    await using w = world();
    await using _ = await impostor(w, () => {});
    await expect(w.connect()).rejects.toMatchObject({
      code: 'AGENT_UNAVAILABLE',
      details: { reason: 'it does not answer' },
    });
  });

  it('says what it got instead of a message', async () => {
    await using w = world();
    await using _ = await impostor(w, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(w.find()).rejects.toMatchObject({
      details: {
        reason: `no message but "HTTP/1.1 400 Bad Request\\r" came from ${socketPath(w.paths.runtime)}`,
      },
    });
  });

  it('gives up on an agent of another protocol that is in use, and can still stop it', async () => {
    await using w = world();
    const asked: unknown[] = [];
    await using _ = await impostor(w, (socket) => {
      socket.write('{"pyrsia":"9.0.0","protocol":99,"pid":1,"and":"more"}\n');
      socket.on('data', (chunk) => {
        asked.push(JSON.parse(String(chunk)));
        socket.write('{"id":1,"result":{"stopping":false}}\n');
      });
    });
    await expect(w.connect()).rejects.toMatchObject({
      code: 'AGENT_UNAVAILABLE',
      details: { reason: 'pyrsia 9.0.0 is in use, which speaks another protocol' },
    });
    await using agent = (await w.find())!;
    await expect(agent.call('status', {})).rejects.toMatchObject({ code: 'AGENT_UNAVAILABLE' });
    expect(await agent.call('stop', { whenIdle: false })).toEqual({ stopping: false });
    expect(asked).toEqual([
      { id: 1, method: 'stop', params: { whenIdle: true } },
      { id: 1, method: 'stop', params: { whenIdle: false } },
    ]);
  });
});

describe('an agent', () => {
  it.each([
    ['GET / HTTP/1.1\r\n', 'no message but \\"GET / HTTP/1.1\\\\r\\" came'],
    ['[1]\n', 'no message but \\"[1]\\" came'],
    ['{"id":"1","method":"status"}\n', 'no request but something else came'],
    ['x'.repeat(2 ** 20 + 1), 'a line of more than 1048576 bytes came'],
  ])('closes a connection that brings garbage, saying so, and serves the others', async (garbage, reason) => {
    await using w = world();
    await using agent = await w.connect();
    const socket = connect(socketPath(agent.directory));
    socket.write(garbage);
    const [hello, refusal] = (await text(socket)).split('\n');
    expect(JSON.parse(hello!)).toEqual(agent.hello);
    expect(refusal).toContain(reason);
    expect(await agent.call('status', {})).toMatchObject({ running: true });
  });
});

it('an agent does not know what is no method, even where every object has one of that name', async () => {
  await using w = world();
  await using agent = await w.connect();
  for (const name of ['nothing', 'constructor', 'toString', '__proto__']) {
    await expect(agent.call(name as 'status', {})).rejects.toMatchObject({
      code: 'AGENT_REFUSED',
      details: { reason: `it does not know "${name}"` },
    });
  }
});

describe('where an agent listens', () => {
  it('is a named pipe on Windows, one for each directory', () => {
    const pipe = socketPath('C:\\Users\\Ada\\run', 'win32');
    expect(pipe).toMatch(/^\\\\\.\\pipe\\pyrsia-[0-9a-f]{32}$/);
    expect(socketPath('c:\\users\\ada\\RUN', 'win32')).toBe(pipe);
    expect(socketPath('C:\\Users\\Bob\\run', 'win32')).not.toBe(pipe);
  });

  it('has a path that the system takes, or there is an error', () => {
    expect(socketPath(namespaceDirectory('/run/user/1000/pyrsia/0123456789ab', '4026531840'), 'linux')).toBe(
      '/run/user/1000/pyrsia/0123456789ab/net-4026531840/agent.sock',
    );
    expect(() => socketPath(`/${'long/'.repeat(20)}`, 'linux')).toThrow(/is too long for a socket/);
  });
});
