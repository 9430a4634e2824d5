import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  type Hash,
  inclusionRanges,
  leafHash,
  prove,
  provesConsistency,
  provesInclusion,
  consistencyRanges,
} from '../../src/content/merkle.ts';
import { parseVerifierKey } from '../../src/log/keys.ts';
import { policyOf, provenCheckpoint } from '../../src/log/policy.ts';
import { provenLog, type TileSource } from '../../src/log/read-tiles.ts';
import {
  formatBundle,
  parseBundle,
  parseTile,
  partialTiles,
  tilePath,
  tileWidth,
} from '../../src/log/tiles.ts';
import { mth } from './reference-tree.ts';
import { entriesOf, type MemoryLog, memoryLog } from './memory-log.ts';

const at = (path: string): string => `test/data/tlog-tessera/${path}`;
const flip = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).with(9, bytes[9]! ^ 1);

describe('The path of a tile', () => {
  // The examples of the specification.
  it.each([
    [0, 1234067n, 256, 'tile/0/x001/x234/067'],
    [0, 0n, 256, 'tile/0/000'],
    [1, 0n, 17, 'tile/1/000.p/17'],
    ['entries', 273n, 112, 'tile/entries/273.p/112'],
    [5, 1000n, 256, 'tile/5/x001/000'],
  ] as const)('of level %s, index %s and width %d is as specified', (level, index, width, path) => {
    expect(tilePath({ level, index, width })).toBe(path);
  });
});

describe('A tree of 70,000', () => {
  it('has the tiles that the specification says', () => {
    expect([tileWidth(0, 272n, 70_000n), tileWidth(0, 273n, 70_000n), tileWidth(0, 274n, 70_000n)]).toEqual([
      256, 112, 0,
    ]);
    expect(partialTiles(70_000n)).toEqual([
      { level: 0, index: 273n, width: 112 },
      { level: 1, index: 1n, width: 17 },
      { level: 2, index: 0n, width: 1 },
    ]);
    expect(partialTiles(256n)).toEqual([{ level: 1, index: 0n, width: 1 }]);
    expect(partialTiles(0n)).toEqual([]);
  });
});

describe('A bundle', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 });

  test.prop([entries])('holds what was put into it, and narrower ones too', (put) => {
    const bytes = formatBundle(put);
    expect(parseBundle(bytes, put.length, 'it').map(Buffer.from)).toEqual(put.map(Buffer.from));
    const half = Math.floor(put.length / 2);
    expect(parseBundle(bytes, half, 'it')).toHaveLength(half);
    expect(() => parseBundle(bytes, put.length + 1, 'it')).toThrow(`expected ${put.length + 1} entries`);
  });

  test.prop([fc.uint8Array({ maxLength: 2000 }), fc.nat(300)])(
    'of anything is read or refused, nothing else',
    (bytes, width) => {
      try {
        expect(Buffer.from(formatBundle(parseBundle(bytes, width, 'it')))).toEqual(
          Buffer.from(bytes.subarray(0, formatBundle(parseBundle(bytes, width, 'it')).byteLength)),
        );
      } catch (error) {
        expect(error).toMatchObject({ code: 'DOCUMENT_INVALID' });
      }
    },
  );

  it.each([
    ['ends within a length', '00'],
    ['ends within an entry', '000361'],
    ['has a byte after its last entry', '00016100'],
  ])('that %s is refused', (_, hex) => {
    expect(() => parseBundle(Buffer.from(hex, 'hex'), 1, 'it')).toThrow(
      'Cannot read it: it ends within entry',
    );
  });

  it('has 256 entries at most, of 65535 bytes at most', () => {
    expect(() => parseBundle(Buffer.alloc(2 * 257), 256, 'it')).toThrow('more than 256 entries');
    expect(parseBundle(formatBundle([Buffer.alloc(65_535)]), 1, 'it')[0]).toHaveLength(65_535);
    expect(() => formatBundle([Buffer.alloc(65_536)])).toThrow('65536 bytes, 65535 at most');
  });
});

describe('A tile', () => {
  it('has as many bytes as its width needs, or those of a wider one', () => {
    expect(parseTile(Buffer.alloc(64), 2, 'it')).toHaveLength(2);
    expect(parseTile(Buffer.alloc(96), 2, 'it')).toHaveLength(2);
    for (const size of [0, 32, 63, 65, 257 * 32])
      expect(() => parseTile(Buffer.alloc(size), 2, 'it')).toThrow(`expected 64 bytes, got ${size}`);
  });
});

describe('The foreign log', () => {
  const source: TileSource = {
    name: 'tessera',
    async read(path) {
      try {
        return readFileSync(at(path));
      } catch {
        return undefined;
      }
    },
  };
  const trusted = policyOf(
    parseVerifierKey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'),
  );
  const checkpointAt = (n: number) => provenCheckpoint(readFileSync(at(`checkpoint.${n}`), 'utf8'), trusted);
  const sizes = Array.from({ length: 16 }, (_, n) => n);

  it.each(sizes)('of size %d has the entries and the proofs that its checkpoint says', async (n) => {
    const head = checkpointAt(n);
    const log = provenLog(source, head);
    const entries = n === 0 ? [] : await log.entries(0n);
    expect(entries).toHaveLength(n);
    expect(Buffer.from(await log.rootAt(head.size))).toEqual(Buffer.from(head.root));
    for (const [m, entry] of entries.entries()) {
      const path = await prove(inclusionRanges(BigInt(m), head.size), log.readHashes);
      expect(provesInclusion(path, BigInt(m), leafHash(entry), head)).toBe(true);
    }
    for (const m of sizes.slice(0, n + 1)) {
      const older = checkpointAt(m);
      const proof = await prove(consistencyRanges(older.size, head.size), log.readHashes);
      expect(provesConsistency(proof, older, head)).toBe(true);
      expect(Buffer.from(await log.rootAt(older.size))).toEqual(Buffer.from(older.root));
    }
  });
});

describe('A log of more than one tile', () => {
  const SIZE = 70_000;
  const log = memoryLog();
  const heads = [1, 255, 256, 257, 511, 65_535, 65_537, SIZE].map((size, i, all) =>
    log.add(entriesOf(all[i - 1] ?? 0, size)),
  );
  const head = heads.at(-1)!;

  it('has the root of the definition, however it has grown', () => {
    expect(Buffer.from(heads[4]!.root)).toEqual(mth(entriesOf(0, 511)));
    const atOnce = memoryLog();
    expect(atOnce.add(entriesOf(0, SIZE))).toEqual(head);
    for (const [path, bytes] of atOnce.files) expect(log.files.get(path)).toEqual(bytes);
  });

  it('proves each entry that is looked for, and each older tree', async () => {
    const proven = provenLog(log, head);
    for (const m of [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, SIZE - 1]) {
      const path = await prove(inclusionRanges(BigInt(m), head.size), proven.readHashes);
      expect(provesInclusion(path, BigInt(m), leafHash(Buffer.from(`entry ${m}`)), head)).toBe(true);
      const bundle = await proven.entries(BigInt(Math.floor(m / 256)));
      expect(Buffer.from(bundle[m % 256]!).toString()).toBe(`entry ${m}`);
    }
    for (const older of heads) {
      const proof = await prove(consistencyRanges(older.size, head.size), proven.readHashes);
      expect(provesConsistency(proof, older, head)).toBe(true);
    }
  });

  it('is read in few files: one proof takes a tile of each level at most, and the right edge', async () => {
    log.asked.length = 0;
    await prove(inclusionRanges(300n, head.size), provenLog(log, head).readHashes);
    expect(new Set(log.asked)).toEqual(
      new Set(['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1', 'tile/1/000', 'tile/0/001']),
    );
  });

  const liar = (path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): MemoryLog => ({
    ...log,
    read: async (asked, limit) => {
      const bytes = await log.read(asked, limit);
      return asked === path && bytes ? change(bytes) : bytes;
    },
  });

  it.each(['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1', 'tile/1/000', 'tile/0/001'])(
    '6: is not believed where one bit of %s is another',
    async (path) => {
      const proven = provenLog(liar(path, flip), head);
      await expect(prove(inclusionRanges(300n, head.size), proven.readHashes)).rejects.toMatchObject({
        code: 'NOT_PROVEN',
      });
    },
  );

  it.each(['tile/entries/001', 'tile/entries/273.p/112'])(
    'is not believed where one bit of %s is another',
    async (path) => {
      const index = path.includes('.p/') ? 273n : 1n;
      await expect(provenLog(liar(path, flip), head).entries(index)).rejects.toThrow(
        /^Refused entry \d+ of the log: it is not the one of the checkpoint’s tree$/,
      );
    },
  );

  it('7: takes the beginning of a full tile or bundle where the partial one is gone', async () => {
    const grown = memoryLog();
    grown.add(entriesOf(0, 300));
    const older = heads[3]!;
    grown.add(entriesOf(300, 512));
    for (const path of grown.files.keys()) if (path.includes('.p/')) grown.files.delete(path);
    grown.files.set('tile/1/000.p/1', log.files.get('tile/1/000.p/1')!);
    const entries = await provenLog(grown, older).entries(1n);
    expect(entries.map((entry) => Buffer.from(entry).toString())).toEqual(['entry 256']);
  });

  it('names the file that is missing', async () => {
    const proven = provenLog(
      liar('tile/0/001', () => undefined),
      head,
    );
    await expect(proven.entries(1n)).rejects.toThrow('Not found: tile/0/001 of the log');
    const cut = provenLog(
      liar('tile/0/001', (bytes) => bytes.subarray(1)),
      head,
    );
    await expect(cut.entries(1n)).rejects.toThrow('tile/0/001 of the log: expected 8192 bytes, got 8191');
  });

  test.prop([fc.array(fc.nat(700), { maxLength: 12 })])('grows alike in any steps', (steps) => {
    const [grown, whole] = [memoryLog(), memoryLog()];
    let size = 0;
    let last = whole.add([]);
    for (const step of steps) last = grown.add(entriesOf(size, (size += step)));
    const all: Hash = whole.add(entriesOf(0, size)).root;
    expect(Buffer.from(last.root)).toEqual(Buffer.from(all));
    for (const [path, bytes] of whole.files) expect(grown.files.get(path)).toEqual(bytes);
  });
});

describe('A log of which several have copies', () => {
  it('6: takes a flipped tile from nobody: the next copy is asked, and only what is proven is kept', async () => {
    const [lying, honest] = [memoryLog(), memoryLog()];
    lying.add(entriesOf(0, 700));
    const head = honest.add(entriesOf(0, 700));
    for (const [path, bytes] of lying.files) {
      const flipped = Buffer.from(bytes);
      flipped[flipped.length - 1]! ^= 1;
      lying.files.set(path, flipped);
    }
    const kept = new Map<string, Uint8Array>();
    const log = provenLog([lying, honest], head, { keep: (path, bytes) => void kept.set(path, bytes) });
    expect((await log.entries(1n))[0]).toEqual(Buffer.from('entry 256'));
    expect([...kept.keys()]).toEqual(expect.arrayContaining(['tile/0/001', 'tile/entries/001']));
    for (const [path, bytes] of kept)
      expect(Buffer.from(bytes)).toEqual(Buffer.from(honest.files.get(path)!));
    await expect(provenLog([lying], head).entries(1n)).rejects.toThrow(/do not make the root/);
  });

  it('7: keeps of a full tile in a partial one’s place the beginning that is proven', async () => {
    const files = memoryLog();
    const head = files.add(entriesOf(0, 100));
    files.add(entriesOf(100, 256));
    for (const path of ['tile/0/000.p/100', 'tile/entries/000.p/100']) files.files.delete(path);
    const kept = new Map<string, Uint8Array>();
    const log = provenLog(files, head, { keep: (path, bytes) => void kept.set(path, bytes) });
    expect(await log.entries(0n)).toHaveLength(100);
    expect(kept.get('tile/0/000.p/100')).toHaveLength(100 * 32);
    expect(kept.has('tile/0/000')).toBe(false);
    expect(parseBundle(kept.get('tile/entries/000.p/100')!, 100, 'kept')).toHaveLength(100);
  });
});
