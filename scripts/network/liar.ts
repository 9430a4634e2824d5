/**
 * What an authority runs that lies: a registry for itself that gives it other bytes than others get, or a server that shows its
 * log as it would like it to be.
 *
 *     liar.ts registry AUTHORITY HOST
 *     liar.ts history AUTHORITY ENTRY HOST:PORT
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { homeFiles, readIdentity } from '../../src/authority/home.ts';
import { openKeys, passphraseIn } from '../../src/authority/keys.ts';
import { diskFiles } from '../../src/authority/log-files.ts';
import { checkpointText, parseCheckpoint } from '../../src/log/checkpoint.ts';
import { EMPTY_EDGE, grow, headOf } from '../../src/log/grow.ts';
import { formatNote, signText } from '../../src/log/note.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { entriesFrom } from '../../src/trust/entries.ts';
import { portOf } from './way-out.ts';

const [what, directory = '', entry = '', address = ''] = process.argv.slice(2);
const server = what === 'registry' ? await registry(entry) : await history(Number(entry), address);
process.on('SIGINT', () => {
  server.close();
  server.closeAllConnections();
});

/** Gives everything the same wrong bytes, and has the authority ask here. */
async function registry(host: string): Promise<Server> {
  const serving = createServer((_, reply) => reply.end('never published by anybody'));
  await once(serving.listen(0, host), 'listening');
  const { identity } = homeFiles(directory);
  const said = await readIdentity(directory);
  const upstreams = { npm: `http://${host}:${portOf(serving)}/` };
  writeFileSync(identity, `${JSON.stringify({ ...said, upstreams }, undefined, 2)}\n`);
  console.log('answers');
  return serving;
}

/** Serves the authority's log without one entry, signed and cosigned by this authority alone. */
async function history(struck: number, listen: string): Promise<Server> {
  const files = homeFiles(directory);
  const passphrase = await passphraseIn(join(directory, '..', 'passphrase'), false);
  const keys = await openKeys(files.keys, passphrase, await readIdentity(directory));
  const head = parseCheckpoint(readFileSync(join(files.log, 'checkpoint'), 'utf8'));
  const entries: Uint8Array[] = [];
  for await (const some of entriesFrom(provenLog(diskFiles(files.log), head)))
    entries.push(...some.filter(({ index }) => index !== struck).map(({ bytes }) => bytes));
  const grown = grow(EMPTY_EDGE, entries);
  const text = checkpointText({ origin: keys.log.verifier.name, ...headOf(grown.edge) });
  const now = BigInt(Math.floor(Date.now() / 1000));
  const signatures = [keys.log, keys.cosign].map((each) => signText(text, each, now));
  const shown = new Map(grown.files.map(({ path, bytes }) => [`/${path}`, Buffer.from(bytes)]));
  shown.set('/checkpoint', Buffer.from(formatNote({ text, signatures })));
  const serving = createServer(({ url = '' }, reply) => {
    const bytes = shown.get(url);
    reply.writeHead(bytes ? 200 : 404).end(bytes);
  });
  const [host, port] = listen.split(':');
  await once(serving.listen(Number(port), host), 'listening');
  console.log('answers');
  return serving;
}
