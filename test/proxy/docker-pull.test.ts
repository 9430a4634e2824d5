import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/proxy/docker-engine.ts';
import { pullFromUs } from '../../src/proxy/docker-pull.ts';

const ID = `sha256:${'1'.repeat(64)}`;
const DIGEST = `sha256:${'2'.repeat(64)}`;
const OURS = '127.0.0.1:4000/11111111-1111-4111-8111-111111111111/images.example/app';

/** What a daemon has, by name, and what it does not do. */
let names: Map<string, string>;
let refuses: 'to name' | 'its registry' | undefined;
/** What it says of a pull before its end. */
let says: readonly object[];
let daemon: AsyncDisposable;
let root: string;
beforeEach(async () => {
  names = new Map();
  refuses = undefined;
  says = [];
  root = mkdtempSync(join(tmpdir(), 'dp-'));
  const server = createServer(({ method, url = '' }, response) => {
    const { pathname, searchParams } = new URL(decodeURIComponent(url), 'http://docker');
    const [, name = '', what] = /^\/images\/(.*?)(?:\/(json|tag))?$/.exec(pathname) ?? [];
    const reply = (status: number, ...lines: readonly object[]): void => {
      response.writeHead(status).end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
    };
    if (method === 'DELETE') {
      reply(names.delete(name) ? 200 : 404);
    } else if (what === 'json') {
      const id = names.get(name);
      reply(id === undefined ? 404 : 200, { Id: id });
    } else if (what === 'tag') {
      if (refuses !== 'to name') names.set(`${searchParams.get('repo')}:${searchParams.get('tag')}`, ID);
      reply(refuses === 'to name' ? 500 : 201);
    } else {
      const [from = '', tag = ''] = ['fromImage', 'tag'].map((each) => searchParams.get(each) ?? '');
      if (from !== OURS && refuses === 'its registry') return reply(404, { message: 'nobody is there' });
      const full = `${from}${tag.includes(':') ? '@' : ':'}${tag}`;
      names.set(full, ID);
      const said = [`Digest: ${DIGEST}`, `Status: Downloaded newer image for ${full}`];
      reply(200, ...says, ...said.map((status) => ({ status })));
    }
  });
  await once(server.listen(join(root, 'daemon')), 'listening');
  daemon = server;
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

/** Pulls an image, and tells what the client is shown, and why it has none where it has none. */
async function pull(
  wanted: { readonly tag: string } | { readonly digest: `sha256:${string}` },
  patient = false,
) {
  const shown: string[] = [];
  const why = await pullFromUs(
    openEngine(join(root, 'daemon')),
    {
      asked: { version: '', image: { registry: 'images.example', repository: 'app', ...wanted } },
      ours: OURS,
      mayAsk: () => true,
      given: () => undefined,
      signal: new AbortController().signal,
      patient,
    },
    { begin: () => {}, line: (text) => void shown.push(text) },
  );
  return { shown: shown.map((line) => JSON.parse(line).status as string), why };
}

describe('A daemon that has pulled an image from us', () => {
  it('has it under its own tag and digest, and no name of ours', async () => {
    expect(await pull({ tag: '1' })).toEqual({
      why: undefined,
      shown: [`Digest: ${DIGEST}`, 'Status: Downloaded newer image for images.example/app:1'],
    });
    expect([...names.keys()].toSorted()).toEqual([`images.example/app:1`, `images.example/app@${DIGEST}`]);
  });

  it('has it under its tag alone where its registry is gone', async () => {
    refuses = 'its registry';
    expect((await pull({ tag: '1' })).why).toBeUndefined();
    expect([...names.keys()]).toEqual(['images.example/app:1']);
  });

  it('has none under the digest that was asked for where its registry is gone', async () => {
    refuses = 'its registry';
    expect(await pull({ digest: `sha256:${'2'.repeat(64)}` })).toEqual({
      why: expect.stringContaining('its registry did not answer'),
      shown: [`Digest: ${DIGEST}`],
    });
    expect([...names.keys()]).toEqual([]);
  });

  it('is not waited for while it asks us again for what we did not give it, where others may be asked', async () => {
    says = [
      { id: 'a', status: 'Downloading' },
      { id: 'a', status: 'Retrying in 5 seconds' },
    ];
    expect(await pull({ tag: '1' })).toEqual({
      why: 'its daemon did not get a from pyrsia',
      shown: ['Downloading'],
    });
    expect([...names.keys()]).toEqual([]);
    const { why, shown } = await pull({ tag: '1' }, true);
    expect([why, shown.slice(0, 2)]).toEqual([undefined, ['Downloading', 'Retrying in 5 seconds']]);
  });

  it('keeps no name of ours where it gives it no other, which is no success', async () => {
    refuses = 'to name';
    const { why, shown } = await pull({ tag: '1' });
    expect([why, shown]).toEqual(['its daemon would not name it', [`Digest: ${DIGEST}`]]);
    expect([...names.keys()]).toEqual([`images.example/app@${DIGEST}`]);
  });
});
