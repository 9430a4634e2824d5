import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inclusionRanges, prove, type TreeHead } from '../../src/content/merkle.ts';
import { formatProof } from '../../src/log/proof.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { entriesOf, memoryLog } from '../log/memory-log.ts';
import { checkpoint, log, vkey, witnesses } from '../log/signers.ts';
import { has } from '../support/image-registry.ts';

const SIZES = [0, 1, 2, 255, 256, 257, 700, 1024, 1500, 66_000];
const PROVEN = [0, 255, 256, 65_535, 65_999];
const signers = [log, ...witnesses.slice(0, 4)];

describe.skipIf(!has('go'))('Go’s own transparency log, reading one of ours', () => {
  const program = mkdtempSync(join(tmpdir(), 'interop-'));
  const directory = mkdtempSync(join(tmpdir(), 'interop-log-'));
  const read = (keys = signers.map(vkey)) => {
    const { status, stdout, stderr } = spawnSync(join(program, 'read-log'), [directory, ...keys], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const at = (path: string): string => join(directory, path);
  const write = (path: string, bytes: Uint8Array | string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), bytes);
  };
  const files = memoryLog();
  let heads: TreeHead[];

  beforeAll(async () => {
    const built = spawnSync('go', ['build', '-o', join(program, 'read-log'), '.'], {
      cwd: join(import.meta.dirname, 'read-log'),
      encoding: 'utf8',
    });
    expect(built).toMatchObject({ status: 0 });
    heads = SIZES.map((size, i) => files.add(entriesOf(SIZES[i - 1] ?? 0, size)));
  }, 240_000);
  afterAll(() => {
    for (const made of [program, directory]) rmSync(made, { recursive: true });
  });

  beforeEach(async () => {
    for (const [path, bytes] of files.files) write(path, bytes);
    for (const head of heads) write(`checkpoint.${head.size}`, checkpoint(head, signers));
    const last = heads.at(-1)!;
    for (const index of PROVEN) {
      const path = await prove(inclusionRanges(BigInt(index), last.size), provenLog(files, last).readHashes);
      const proof = { index: BigInt(index), path, checkpoint: checkpoint(last, signers) };
      write(`${index}.tlog-proof`, formatProof(proof));
    }
  });

  it('finds every signature, root, entry, proof and pair of checkpoints in order', () => {
    const { status, stdout, stderr } = read();
    expect([status, stderr]).toEqual([0, '']);
    const pairs = SIZES.length - 1; // the empty tree is consistent with everything
    expect(JSON.parse(stdout)).toEqual({
      checkpoints: SIZES.length,
      signatures: SIZES.length * signers.length,
      entries: 66_000,
      inclusions: 66_000,
      consistent: (pairs * (pairs - 1)) / 2,
      proofs: PROVEN.length,
    });
  });

  it.each(['checkpoint.700', 'tile/0/001', 'tile/entries/257.p/208', '255.tlog-proof'])(
    'notices when one bit of %s is another',
    (path) => {
      const bytes = readFileSync(at(path));
      const place = path.startsWith('tile') ? 40 : bytes.length - 9;
      bytes.writeUInt8(bytes[place]! ^ 1, place);
      write(path, bytes);
      expect(read()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/\S/) });
    },
  );
});
