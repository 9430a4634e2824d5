import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEngine } from '../../src/proxy/docker-engine.ts';
import { sweepNames } from '../../src/proxy/docker-sweep.ts';

const RUNNING = '11111111-1111-4111-8111-111111111111';
const OVER = '22222222-2222-4222-8222-222222222222';
const DIGEST = `sha256:${'0'.repeat(64)}`;

it('takes the names of launches that are over from a daemon, and no others', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sw-'));
  const removed: string[] = [];
  const images = [
    {
      RepoTags: ['app:1', `127.0.0.1:4000/${OVER}/images.example/app:1`],
      RepoDigests: [`127.0.0.1:4000/${OVER}/images.example/app@${DIGEST}`],
    },
    { RepoTags: [`127.0.0.1:4000/${RUNNING}/images.example/app:2`], RepoDigests: null },
    {
      RepoTags: [
        `127.0.0.1:5000/${OVER}/app:1`,
        `127.0.0.1:40001/${OVER}/app:1`,
        '127.0.0.1:4000/images.example/app:1',
        7,
      ],
    },
    'nothing',
  ];
  const daemon = createServer(({ method, url }, response) => {
    if (method === 'DELETE') removed.push(decodeURIComponent(url!));
    response.end(JSON.stringify(images));
  });
  await once(daemon.listen(join(root, 'daemon')), 'listening');
  const isRunning = async (launch: string) => Promise.resolve(launch === RUNNING);
  await sweepNames(openEngine(join(root, 'daemon')), { host: '127.0.0.1:4000', isRunning });
  daemon.close();
  rmSync(root, { recursive: true });
  expect(removed).toEqual([
    `/images/127.0.0.1:4000/${OVER}/images.example/app:1`,
    `/images/127.0.0.1:4000/${OVER}/images.example/app@${DIGEST}`,
  ]);
});
