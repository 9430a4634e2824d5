import { describe, expect, it } from 'vitest';
import { openAuthorityLog } from '../../src/authority/authority-log.ts';
import type { Clock } from '../../src/authority/clock.ts';
import { openCosigner } from '../../src/authority/cosigner.ts';
import type { Judging } from '../../src/authority/judge.ts';
import type { ReadableLog } from '../../src/authority/log-core.ts';
import { createLog, openLog } from '../../src/authority/open-log.ts';
import { openSaid } from '../../src/authority/said.ts';
import { openSignedHead } from '../../src/authority/signed-head.ts';
import { consistencyRanges, prove } from '../../src/content/merkle.ts';
import { checkpointText, parseCheckpoint } from '../../src/log/checkpoint.ts';
import { formatEntry } from '../../src/log/entry.ts';
import type { Signer } from '../../src/log/keys.ts';
import { formatNote, signText } from '../../src/log/note.ts';
import { disputeStatement } from '../../src/log/observation.ts';
import { policyOf, provenCheckpoint } from '../../src/log/policy.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { cosignaturesIn, formatAddCheckpoint } from '../../src/log/witness.ts';
import { cosigners, log, network, observation, QUORUM } from '../simulation/parties.ts';
import { memoryFiles, type MemoryFiles } from './memory-files.ts';

const NOW = 1_800_000_000;
const clock: Clock = { now: () => NOW * 1000, sleep: async () => {} };
const judged = { origin: log.verifier.name, network, mayChange: () => false };

/** A log of whoever orders; `judges` is false for one who lets everything in. */
interface Ordered {
  readonly core: ReadableLog;
  readonly files: MemoryFiles;
  add(entries: readonly Uint8Array[], time?: number): Promise<void>;
  /** A request about the newest tree, for who has cosigned `old` entries. */
  request(old: bigint, by?: Signer, origin?: string): Promise<Buffer>;
}

async function ordered(): Promise<Ordered> {
  const files = memoryFiles();
  await createLog(files);
  const { core, judging } = await openAuthorityLog(files, { ...judged, said: openSaid(':memory:') });
  return {
    core,
    files,
    add: async (entries, time = NOW) => commit(core, judging, entries, time),
    request: async (old, by, origin) => requestOf(core, old, by, origin),
  };
}

async function requestOf(
  core: ReadableLog,
  old: bigint,
  by: Signer = log,
  origin = log.verifier.name,
): Promise<Buffer> {
  const head = core.last();
  const text = checkpointText({ origin, size: head.size, root: head.root });
  const checkpoint = formatNote({ text, signatures: [signText(text, by, 0n)] });
  const proof = await prove(consistencyRanges(old, head.size), provenLog(core.source, head).readHashes);
  return Buffer.from(formatAddCheckpoint({ old, proof, checkpoint }));
}

async function commit(
  core: ReadableLog,
  judging: Judging,
  entries: readonly Uint8Array[],
  time: number,
): Promise<void> {
  const after = core.last();
  await core.commit({ seq: after.seq + 1n, entries: [...entries, judging.close(entries, after, time)] });
}

/** A cosigner with disks of its own. */
async function watching(
  from: { files: Pick<MemoryFiles, 'read'> },
  files = memoryFiles(),
  state = memoryFiles(),
) {
  if (!files.files.has('position')) await createLog(files);
  const { core, judging } = await openAuthorityLog(files, { ...judged, said: openSaid(':memory:') });
  const cosigner = openCosigner({
    core,
    read: judging.read,
    logs: [log.verifier],
    origin: { name: 'the log', read: async (path, limit) => from.files.read(path, limit) },
    signer: cosigners[0]!,
    cosigned: await openSignedHead(state, 'cosigned', core),
    files: state,
    clock,
  });
  return { ...cosigner, core, files, state };
}

describe('A cosigner', () => {
  it('copies what it cosigns, and signs what was asked, with the time', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)]);
    await origin.add([observation(2, 'b', QUORUM), observation(3, 'c', QUORUM)]);
    const request = await origin.request(0n);
    const { status, body } = await cosigner.addCheckpoint(request);
    expect(status).toBe(200);
    expect(cosigner.core.last()).toEqual(origin.core.last());
    const checkpoint = parseCheckpoint(request.toString().slice(request.indexOf('\n\n') + 2));
    expect(cosignaturesIn(body, checkpoint, [cosigners[0]!.verifier])).toHaveLength(1);
  });

  it('30: writes down what it is about to sign before it signs, and signs nothing when it cannot', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)]);
    cosigner.state.failing = 'no space left on device';
    await expect(cosigner.addCheckpoint(await origin.request(0n))).rejects.toThrow('no space left');
    delete cosigner.state.failing;
    expect((await cosigner.addCheckpoint(await origin.request(0n))).status).toBe(200);
    const kept = Buffer.from(cosigner.state.files.get('cosigned')!).toString();
    expect(provenCheckpoint(kept, policyOf(log.verifier)).size).toBe(2n);
  });

  it('30: does not start from a state that was put back behind what it has signed', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)]);
    await cosigner.addCheckpoint(await origin.request(0n));
    const before = new Map(cosigner.files.files);
    await origin.add([observation(2, 'b', QUORUM)]);
    await cosigner.addCheckpoint(await origin.request(2n));
    await expect(watching(origin, memoryFiles(before), cosigner.state)).rejects.toThrow(
      'it has 2 entries, and 4 were signed: it was put back',
    );
    const other = await ordered();
    await other.add([observation(7, 'x', QUORUM)]);
    await other.add([observation(8, 'y', QUORUM)]);
    await expect(watching(origin, other.files, cosigner.state)).rejects.toThrow(
      'its first 4 entries are not those that were signed',
    );
  });

  it.each([
    ['an entry that too few have signed', [observation(1, 'a', QUORUM - 1)], 'observers are too few'],
    [
      '32: the same coordinates twice',
      [observation(1, 'a', QUORUM), observation(1, 'b', QUORUM)],
      'another entry of its batch is about the same',
    ],
    [
      'a kind that nobody submits',
      [formatEntry({ ...JSON.parse(Buffer.from(observation(1, 'a', 3)).toString()), predicateType: 'x' })],
      'it is of a kind that nobody submits',
    ],
    ['what is no entry', [Buffer.from('{}')], 'entry 0: '],
  ])('23: never cosigns %s', async (_, entries, said) => {
    const files = memoryFiles();
    await createLog(files);
    const { core, judging } = await openAuthorityLog(files, { ...judged, said: openSaid(':memory:') });
    expect(core.verify([...entries, judging.close([observation(9, 'z', 3)], core.last(), NOW)])).toContain(
      said,
    );
  });

  it('never cosigns a block that says something else than its entries', async () => {
    const files = memoryFiles();
    await createLog(files);
    const { core, judging } = await openAuthorityLog(files, { ...judged, said: openSaid(':memory:') });
    const entries = [observation(1, 'a', QUORUM)];
    const others = [observation(2, 'b', QUORUM)];
    expect(core.verify([...entries, judging.close(entries, core.last(), NOW)])).toBeNull();
    // The index that it names is that of other entries.
    expect(core.verify([...entries, judging.close(others, core.last(), NOW)])).toContain('not that of these');
    expect(core.verify(entries)).toContain('no entries besides');
    expect(core.verify([...entries, ...others])).toContain('does not end with a block');
  });

  it('32: never cosigns a second observation with other bytes, in a later batch', async () => {
    const origin = await ordered();
    await origin.add([observation(1, 'a', QUORUM)]);
    await expect(origin.add([observation(1, 'b', QUORUM)])).rejects.toThrow('entry 0 has seen other bytes');
    await expect(origin.add([observation(1, 'a', QUORUM)])).rejects.toThrow('entry 0 says it already');
  });

  it('takes a dispute with what was logged before, once', async () => {
    const origin = await ordered();
    const [a, b] = ['a', 'b'].map((bytes, which) => {
      const { subject, predicate } = JSON.parse(Buffer.from(observation(1, bytes, QUORUM)).toString());
      const { upstream, file, observers, ...seen } = predicate;
      const signed = observers.map(({ name, signature }: Record<string, string>) => {
        const all = Buffer.from(signature!, 'base64');
        return { name, id: all.readUInt32BE(0), signature: all.subarray(4) };
      });
      const observedAt = Date.parse(seen.observedAt) / 1000;
      return {
        purl: subject[0].name,
        upstream,
        file,
        sighting: {
          ...seen,
          observedAt,
          digest: subject[0].digest,
          // Nobody has seen both.
          observers: which === 0 ? signed.slice(1) : signed.slice(0, 1),
        },
      };
    });
    const dispute = formatEntry(
      disputeStatement({
        purl: a!.purl,
        upstream: a!.upstream,
        file: a!.file,
        seen: [a!.sighting, b!.sighting],
      }),
    );
    await origin.add([observation(1, 'a', QUORUM)]);
    await origin.add([dispute]);
    await expect(origin.add([dispute])).rejects.toThrow('entry 2 says it already');
  });

  it('never cosigns a batch of the future', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)], NOW + 301);
    expect(await cosigner.addCheckpoint(await origin.request(0n))).toMatchObject({
      status: 422,
      body: expect.stringContaining('its block is of the future'),
    });
    expect(cosigner.state.files.has('cosigned')).toBe(false);
  });

  it('reads no more of a batch that does not end than a batch may have', async () => {
    const files = memoryFiles();
    await createLog(files);
    const core = await openLog(files, () => null);
    const other = { ...JSON.parse(Buffer.from(observation(1, 'a', QUORUM)).toString()), predicateType: 'x' };
    await core.commit({ seq: 1n, entries: Array.from({ length: 3000 }, () => formatEntry(other)) });
    const asked: string[] = [];
    const cosigner = await watching({
      files: {
        ...files,
        async read(path, limit) {
          asked.push(path);
          return files.read(path, limit);
        },
      },
    });
    expect(await cosigner.addCheckpoint(await requestOf(core, 0n))).toMatchObject({
      status: 422,
      body: expect.stringContaining('of 1024 entries at most'),
    });
    expect(asked.filter((path) => path.startsWith('tile/entries/'))).toHaveLength(5);
  });

  it('14: answers 409 with what it has cosigned last, and signs no smaller tree', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)]);
    const old = await origin.request(0n);
    await cosigner.addCheckpoint(old);
    await origin.add([observation(2, 'b', QUORUM)]);
    await cosigner.addCheckpoint(await origin.request(2n));
    expect(await cosigner.addCheckpoint(old)).toMatchObject({
      status: 409,
      type: 'text/x.tlog.size',
      body: '4\n',
    });
  });

  it('10: knows no other log, and no other key of this one', async () => {
    const origin = await ordered();
    const cosigner = await watching(origin);
    await origin.add([observation(1, 'a', QUORUM)]);
    expect((await cosigner.addCheckpoint(await origin.request(0n, log, 'other.example'))).status).toBe(404);
    expect((await cosigner.addCheckpoint(await origin.request(0n, cosigners[1]))).status).toBe(403);
    expect((await cosigner.addCheckpoint(Buffer.from('x'))).status).toBe(400);
  });

  it('24: keeps the proof that a log has signed two histories, and stays with the first', async () => {
    const [one, two] = [await ordered(), await ordered()];
    const shown = { files: one.files };
    const cosigner = await watching(shown);
    await one.add([observation(1, 'a', QUORUM)]);
    await two.add([observation(1, 'b', QUORUM)]);
    await cosigner.addCheckpoint(await one.request(0n));
    shown.files = two.files;
    const head = two.core.last();
    const text = checkpointText({ origin: log.verifier.name, size: head.size, root: head.root });
    const checkpoint = formatNote({ text, signatures: [signText(text, log, 0n)] });
    const request = formatAddCheckpoint({ old: 2n, proof: [], checkpoint });
    expect((await cosigner.addCheckpoint(Buffer.from(request))).status).toBe(409);
    const proof = Buffer.from(cosigner.state.files.get('fork-at-2')!).toString();
    const notes = proof.split(`\n\n${log.verifier.name}\n`);
    const [first, second] = [`${notes[0]}\n`, `${log.verifier.name}\n${notes[1]}`].map((note) =>
      provenCheckpoint(note, policyOf(log.verifier)),
    );
    expect([first!.size, second!.size]).toEqual([2n, 2n]);
    expect(Buffer.compare(first!.root, second!.root)).not.toBe(0);
  });

  it('24: stays with what it has committed also where it has cosigned nothing of it yet', async () => {
    const [one, two] = [await ordered(), await ordered()];
    const shown = { files: one.files };
    const cosigner = await watching(shown);
    await one.add([observation(1, 'a', QUORUM)]);
    await two.add([observation(1, 'b', QUORUM)]);
    cosigner.state.failing = 'no space left on device';
    await expect(cosigner.addCheckpoint(await one.request(0n))).rejects.toThrow('no space left');
    delete cosigner.state.failing;
    shown.files = two.files;
    expect(await cosigner.addCheckpoint(await two.request(0n))).toMatchObject({
      status: 422,
      body: expect.stringContaining('other entries were committed here in their place'),
    });
    await two.add([observation(2, 'b', QUORUM)]);
    expect((await cosigner.addCheckpoint(await two.request(0n))).status).toBe(422);
    expect((await cosigner.addCheckpoint(await one.request(0n))).status).toBe(200);
  });

  it('says that it could not read, when it could not, and cosigns when it can', async () => {
    const origin = await ordered();
    const shown = { files: memoryFiles() };
    const cosigner = await watching(shown);
    await origin.add([observation(1, 'a', QUORUM)]);
    expect((await cosigner.addCheckpoint(await origin.request(0n))).status).toBe(503);
    shown.files = origin.files;
    expect((await cosigner.addCheckpoint(await origin.request(0n))).status).toBe(200);
  });
});
