/**
 * Logs of any size, as far as a client reads them: what was not asked for is made up.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Hash, nodeHash } from '../../src/content/merkle.ts';
import { blockStatement } from '../../src/log/block.ts';
import { type IndexRecord, keyOf } from '../../src/log/buckets.ts';
import { formatEntry } from '../../src/log/entry.ts';
import { recentFile, snapshotFiles } from '../../src/log/index-files.ts';
import { formatNetwork } from '../../src/log/network-file.ts';
import { checkpoint, log, signer } from '../../test/log/signers.ts';
import { memoryLog } from '../../test/log/memory-log.ts';

const SEVEN = Array.from({ length: 7 }, (_, n) => `org${n + 1}`);

/** Those who cosign: seven, of whom five make a quorum. */
export const witnesses = SEVEN.map((name, n) => signer(`${name}.example`, 10 + n, 'cosignature/v1'));

/** The network's file, its log at `url`. */
export function networkAt(url: string): string {
  return formatNetwork(
    SEVEN.map((organisation, n) => ({
      organisation,
      url,
      log: log.verifier,
      cosign: witnesses[n]!.verifier,
      attest: signer(`${organisation}.example`, 50 + n).verifier,
    })),
    signer('net.example', 90),
  );
}

/** Something that is logged. */
export interface Known {
  readonly purl: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Files of a log whose index has `known` and as many others as make `count`. */
export function filesWith(known: readonly Known[], count: number): Map<string, Uint8Array> {
  const files = memoryLog();
  const others = randomBytes(16 * count);
  const records: IndexRecord[] = known.map(({ purl, sha256 }, n) => ({
    key: keyOf(purl),
    sha256: Buffer.from(sha256, 'hex'),
    entry: BigInt(n),
    kind: 1,
    rung: 5,
  }));
  for (let n = records.length; n < count; n++)
    records.push({
      key: others.subarray(16 * n, 16 * n + 16),
      sha256: createHash('sha256').update(String(n)).digest(),
      entry: BigInt(n),
      kind: 1,
      rung: 5,
    });
  const snapshot = snapshotFiles(records, BigInt(count));
  for (const { path, bytes } of snapshot.files) files.files.set(path, bytes);
  const { file, recent } = recentFile([]);
  files.files.set(file.path, file.bytes);
  const time = Math.floor(Date.now() / 1000);
  const block = {
    origin: log.verifier.name,
    height: 1,
    epoch: 0,
    time,
    beacon: '0'.repeat(64),
    previous: { size: 0, root: '0'.repeat(64) },
    revoked: '0'.repeat(64),
    index: { ...snapshot.index, recent },
  };
  const head = files.add([formatEntry(blockStatement(block))]);
  const by = [log, ...witnesses.slice(0, 5)];
  files.files.set('checkpoint', Buffer.from(checkpoint(head, by, { time: BigInt(time) })));
  return files.files;
}

/** A proof for `leaf` in a log of `size` entries (a power of two), with five cosignatures. */
export function proofIn(size: bigint, leaf: Hash): { index: bigint; path: Hash[]; checkpoint: string } {
  const index = size / 3n;
  const path: Hash[] = [];
  let hash = leaf;
  for (let at = index, left = size; left > 1n; left >>= 1n, at >>= 1n) {
    const sibling = createHash('sha256').update(String(left)).digest();
    path.push(sibling);
    hash = at & 1n ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  const by = [log, ...witnesses.slice(0, 5)];
  return { index, path, checkpoint: checkpoint({ size, root: hash }, by) };
}

/** A static server of files, below `/`. */
export async function serve(
  files: () => ReadonlyMap<string, Uint8Array>,
): Promise<AsyncDisposable & { readonly url: string; counted(): { requests: number; bytes: number } }> {
  let [requests, sent] = [0, 0];
  const server = createServer(({ url = '' }, response) => {
    const bytes = files().get(url.slice(1));
    requests++;
    sent += bytes?.byteLength ?? 0;
    if (bytes) response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    counted() {
      const counted = { requests, bytes: sent };
      [requests, sent] = [0, 0];
      return counted;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
