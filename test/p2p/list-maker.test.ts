import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rootOfChunks } from '../../src/content/chunks.ts';
import { digestOf } from '../../src/content/digest.ts';
import { parseList } from '../../src/p2p/lists/chunk-list.ts';
import type { Offer } from '../../src/p2p/contract.ts';
import { type Identity, identityOf, openIdentity } from '../../src/p2p/identity.ts';
import { openListMaker } from '../../src/p2p/serve/list-maker.ts';
import { changed, contentOf, listOf, nameOf } from './givers.ts';

const content = contentOf(3 * 2 ** 20 + 5);
let directory: string;
let identity: Identity;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-list-'));
  identity = await openIdentity(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

function offered(bytes: Uint8Array, file = bytes): Offer {
  const path = join(directory, 'content');
  writeFileSync(path, file);
  return { sha256: nameOf(bytes), size: bytes.byteLength, available: bytes.byteLength, path };
}

describe('A list of chunks that is asked for', () => {
  it('is of the file, by every digest, and signed as this machine', async () => {
    const list = parseList((await openListMaker(identity)(offered(content)))!);
    expect(list.digests).toEqual([nameOf(content), digestOf(content, 'sha512')]);
    expect(list.maker).toBe(identityOf(identity.secret).name);
    expect(list.root).toEqual(Buffer.from(rootOfChunks(listOf(content))));
  });

  it('is made once, however many ask for it', async () => {
    const lists = openListMaker(identity);
    const offer = offered(content);
    const [first, second] = await Promise.all([lists(offer), lists(offer)]);
    rmSync(offer.path);
    expect(second).toBe(first);
    expect(await lists(offer)).toBe(first);
  });

  it.each([
    ['is damaged', changed(content, 2 ** 21)],
    ['is shorter', content.subarray(1)],
    ['is longer', Buffer.concat([content, Buffer.of(0)])],
  ])('is not signed where the file %s', async (_, file) => {
    expect(await openListMaker(identity)(offered(content, file))).toBeUndefined();
  });

  it('is not made of a part, of one chunk, or of what is gone', async () => {
    const lists = openListMaker(identity);
    const small = contentOf(2 ** 20);
    expect(await lists({ ...offered(content), available: 2 ** 21 })).toBeUndefined();
    expect(await lists(offered(small))).toBeUndefined();
    expect(await lists({ ...offered(content), path: join(directory, 'nothing') })).toBeUndefined();
    // And is there once the file is.
    expect(await lists(offered(content))).toBeDefined();
  });

  it('is refused while too many wait, so that nobody keeps this machine hashing', async () => {
    const lists = openListMaker(identity);
    const many = Array.from({ length: 20 }, (_, i) => ({
      ...offered(content),
      sha256: nameOf(Buffer.from(`${i}`)),
    }));
    const answers = many.map((offer) => lists(offer));
    expect(await Promise.race([answers.at(-1), Promise.resolve('nothing yet')])).toBeUndefined();
    await Promise.all(answers);
  });
});
