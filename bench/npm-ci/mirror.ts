/**
 * A registry on this machine that has what another one has: it asks once, keeps the answer in memory, and counts
 * what it is asked. So every round finds the same upstream. It speaks TLS, as registries do, because that is
 * part of what npm spends on a direct install.
 *
 * @module
 */
import { createServer } from 'node:https';
import { counted, KEEP_ALIVE_MS, type Mirror } from '../counted.ts';
import type { Certificate } from '../../test/fixtures/registry/certificate.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Opens a mirror of `registry`, whose URL ends in `/`, at a port of 127.0.0.1. */
export async function openMirror(registry: string, certificate: Certificate): Promise<Mirror> {
  const answers = new Map<string, Promise<Answer>>();
  const server = createServer({ ...certificate, keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const path = request.url!.slice(1);
    let answer = answers.get(path);
    if (!answer) {
      answer = ask(path);
      answers.set(path, answer);
      answer.catch(() => answers.delete(path));
    }
    answer.then(
      ({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type, 'content-length': body.length }).end(body),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });

  async function ask(path: string): Promise<Answer> {
    const response = await fetch(registry + path);
    if (response.status >= 500) throw new Error(`The registry answers ${response.status}`);
    const type = response.headers.get('content-type') ?? 'application/octet-stream';
    const body = Buffer.from(await response.arrayBuffer());
    return {
      status: response.status,
      type,
      body: type.includes('json') ? ownTarballs(body, mirror.url) : body,
    };
  }

  const mirror = await counted(server, 'https');
  return mirror;
}

/** A packument whose tarballs lie here; anything else as it is. */
function ownTarballs(body: Buffer, url: string): Buffer {
  const document = JSON.parse(body.toString()) as {
    name?: string;
    versions?: Record<string, { dist?: { tarball?: string } }>;
  };
  for (const { dist } of Object.values(document.versions ?? {}))
    if (dist?.tarball) dist.tarball = `${url}${document.name}/-/${dist.tarball.split('/').at(-1)}`;
  return Buffer.from(JSON.stringify(document));
}
