import { guardsIn } from './mutation.ts';

/** What holds of all content, wherever it comes from. */
export const contentGuards = [
  ...guardsIn(
    'src/content/buffers.ts',
    'test/content/buffers.test.ts',
    {
      why: 'Memory is lent to two at a time',
      find: 'lent.delete(buffer);',
      replace: '',
      only: 'however often',
    },
    {
      why: 'Memory is used again of which others still read a part',
      find: 'if (left > byteLength) return void lent.set(buffer, left - byteLength);',
      replace: '',
      only: 'in parts',
    },
    {
      why: 'An empty rest takes the memory from whom it was lent to since',
      find: '|| byteLength === 0) return;',
      replace: ') return;',
      only: 'nothing of it',
    },
    {
      why: 'Memory that several read is used again',
      find: 'lent.delete(chunk.buffer);',
      replace: '',
      only: 'several',
    },
  ),
  ...guardsIn(
    'src/content/digest.ts',
    'test/content/digest.test.ts',
    {
      why: 'A digest of the wrong length is accepted, and becomes a file name',
      find: 'sha256:[0-9a-f]{64}',
      replace: 'sha256:[^:]*',
    },
    {
      why: 'An integrity string becomes a digest of the wrong length',
      find: 'return isDigest(digest) ? [digest] : [];',
      replace: "return digest === '' ? [] : [digest as Digest];",
    },
    {
      why: 'The weakest hash of an integrity string decides',
      find: "digestWith(digests, 'sha512') ?? digestWith(digests, 'sha256') ?? digests[0]",
      replace: 'digests[0]',
    },
    {
      why: 'Two digests that differ are no contradiction',
      find: 'known !== undefined && known !== digest',
      replace: "known !== undefined && known === 'sha1:'",
    },
    {
      why: 'A hash that can be collided to order counts as strong',
      find: "return digest.startsWith('sha1:');",
      replace: "return digest.startsWith('md5:');",
    },
  ),
  ...guardsIn(
    'src/content/verified.ts',
    'test/content/verified.test.ts',
    {
      why: 'Content with a wrong digest is delivered',
      find: "if (wrong) throw new PyrsiaError('DIGEST_MISMATCH', wrong);",
      replace: '',
    },
    {
      why: 'Only the first of several digests has to hold',
      find: '...wanted.digests.map(algorithmOf)',
      replace: '...wanted.digests.slice(0, 1).map(algorithmOf)',
    },
    {
      why: 'A complete wrong file reaches the client before its digest is known',
      find: 'heldSize - first.byteLength >= HELD_BACK',
      replace: 'heldSize >= HELD_BACK',
    },
    {
      why: 'Content that stops early passes',
      find: 'wanted.size !== undefined && size !== wanted.size',
      replace: 'wanted.size !== undefined && size > wanted.size',
    },
    {
      why: 'A source that never ends is read for ever',
      find: 'if (size > limit)',
      replace: 'if (size > limit + 1)',
    },
  ),
  ...guardsIn('src/content/coordinates.ts', 'test/content/coordinates.test.ts', {
    why: 'A name can pass for the version or the file of another one',
    find: '.map(encoded)',
    replace: '.map(String)',
  }),
];
