import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyEvidence } from '../../src/log/evidence.ts';
import { parseProof } from '../../src/log/proof.ts';
import type { TileSource } from '../../src/log/read-tiles.ts';
import { evidenceFor, keepEvidence } from '../../src/trust/evidence-files.ts';
import { type LogClient, openLogClient } from '../../src/trust/log-client.ts';
import { syncLog } from '../../src/trust/sync.ts';
import { type GrownLog, grownLog, NOW_MS, sha256Of } from './grown-log.ts';

const root = mkdtempSync(join(tmpdir(), 'evidence-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const purl = (n: number): string => `pkg:npm/p${n}@1.0.0`;
const about = (n: number, entry = n) =>
  ({ purl: purl(n), digest: `sha256:${sha256Of(`bytes ${n}`)}`, entry }) as const;

/** A log of three bundles, and somebody who knows it by name `home`. */
function aLog(): GrownLog {
  const log = grownLog();
  log.append(Array.from({ length: 600 }, (_, n) => ({ purl: purl(n), bytes: `bytes ${n}` })));
  return log;
}
const clientOf = (log: GrownLog, home: string, sources: readonly TileSource[]): LogClient =>
  openLogClient(log.network, {
    state: join(root, home, 'state'),
    cache: join(root, home, 'cache'),
    sources,
    now: () => NOW_MS,
  });

describe('Evidence kept beside an artifact', () => {
  it('is made from the copy that is here, asks nobody, and convinces whoever has the network’s file', async () => {
    const log = aLog();
    await syncLog(clientOf(log, 'whole', [log]));
    const offline = clientOf(log, 'whole', []);
    const before = log.asked.length;
    expect(await keepEvidence(offline, about(7))).toBe(true);
    const at = join(root, 'whole', 'cache', 'proofs', sha256Of('bytes 7'));
    const proof = parseProof(readFileSync(`${at}.tlog-proof`));
    const { observers } = verifyEvidence(
      { purl: purl(7), sha256: sha256Of('bytes 7') },
      readFileSync(`${at}.entry`),
      proof,
      log.network,
    );
    expect([proof.index, observers]).toEqual([7n, ['org1', 'org2', 'org3', 'org4']]);
    expect(log.asked).toHaveLength(before);
  });

  it('is left for later where that part of the log is not here', async () => {
    const log = aLog();
    await clientOf(log, 'part', [log]).refresh();
    expect(await keepEvidence(clientOf(log, 'part', []), about(7))).toBe(false);
    expect(existsSync(join(root, 'part', 'cache', 'proofs'))).toBe(false);
  });

  it('is not kept of other bytes than the entry has', async () => {
    const log = aLog();
    await syncLog(clientOf(log, 'other', [log]));
    expect(await keepEvidence(clientOf(log, 'other', []), about(7, 8))).toBe(false);
  });

  it('4: is proven again when it is used, and replaced where it was altered', async () => {
    const log = aLog();
    await syncLog(clientOf(log, 'altered', [log]));
    const client = clientOf(log, 'altered', [log]);
    const { proofFile } = await evidenceFor(client, about(9));
    const honest = readFileSync(proofFile, 'utf8');
    writeFileSync(proofFile, honest.replace('index 9', 'index 10'));
    expect((await evidenceFor(client, about(9))).index).toBe(9n);
    expect(readFileSync(proofFile, 'utf8')).toBe(honest);
  });
});
