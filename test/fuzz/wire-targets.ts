/**
 * What peers send to each other, and what has to be so whatever the bytes: it is read as what they say, which is written
 * in no other way, and within the limits.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import {
  ADDRESSES_LIMIT,
  ANSWER_START,
  DIGESTS_LIMIT,
  formatBlobAnswer,
  formatBlobRequest,
  formatHaveAnswer,
  formatHaveQuestion,
  frame,
  FRAME_LIMIT,
  HINTS_LIMIT,
  LENGTH_LIMIT,
  parseBlobAnswer,
  parseBlobRequest,
  parseFrameLength,
  parseHaveAnswer,
  parseHaveQuestion,
  REQUEST_LIMIT,
  REQUEST_START,
  requestLength,
} from '../../src/p2p/wire/wire.ts';
import {
  COPIES_LIMIT,
  COPY_LIMIT,
  formatSaidAnswer,
  formatSaidQuestion,
  keyBetween,
  markOf,
  NAMES_LIMIT,
  nameUnder,
  parseSaidAnswer,
  parseSaidQuestion,
  type SaidCopy,
} from '../../src/p2p/wire/said.ts';
import type { Target } from './target.ts';

const digests: readonly Digest[] = [
  digestOf(Buffer.from('a'), 'sha256'),
  digestOf(Buffer.from('b'), 'sha512'),
  digestOf(Buffer.from('c'), 'sha256'),
];
const names = ['/a', '/b'].map((path) =>
  nameUnder(keyBetween('a', 'b'), { upstream: 'https://r.example/', path }),
);
const copy: SaidCopy = {
  encoding: 'gzip',
  mark: markOf('*/*'),
  sha256: digestOf(Buffer.from('a'), 'sha256'),
  size: 1,
  seenAt: 1_800_000_000_000,
};
const same = (written: Uint8Array, bytes: Uint8Array): void =>
  assert.ok(Buffer.from(bytes).equals(written), 'it is written otherwise');

/** All readers of messages. */
export const wireTargets: readonly Target[] = [
  {
    name: 'frame-length',
    seeds: [1, FRAME_LIMIT].map((length) => frame(new Uint8Array(length)).subarray(0, 4)),
    read(bytes) {
      const length = parseFrameLength(bytes);
      assert.ok(length > 0 && length <= FRAME_LIMIT);
    },
  },
  {
    name: 'have-question',
    seeds: [[], digests].map((each, id) => formatHaveQuestion({ id, delegate: id > 0, digests: each })),
    read(bytes) {
      const question = parseHaveQuestion(bytes);
      assert.ok(question.digests.length <= DIGESTS_LIMIT);
      same(formatHaveQuestion(question), bytes);
    },
  },
  {
    name: 'have-answer',
    seeds: [
      formatHaveAnswer({ id: 0, holdings: [], hints: [] }),
      formatHaveAnswer({
        id: 1,
        holdings: [undefined, { size: 5, available: 5 }, { size: 2 ** 40, available: 7 }],
        hints: [
          { peer: '12D3KooWPeer', addresses: ['/ip4/192.0.2.1/tcp/4001', '/ip6/::1/tcp/1'], which: [0, 2] },
          { peer: 'Q', addresses: [], which: [] },
        ],
      }),
    ],
    read(bytes) {
      const answer = parseHaveAnswer(bytes);
      assert.ok(answer.holdings.length <= DIGESTS_LIMIT && answer.hints.length <= HINTS_LIMIT);
      for (const { addresses, which } of answer.hints) {
        assert.ok(addresses.length <= ADDRESSES_LIMIT);
        assert.ok(which.every((i) => i < answer.holdings.length));
      }
      same(formatHaveAnswer(answer), bytes);
    },
  },
  {
    name: 'blob-request',
    seeds: digests.map((digest, i) =>
      formatBlobRequest({
        kind: i === 2 ? 'list' : 'bytes',
        digest,
        offset: i % 2,
        length: LENGTH_LIMIT - i,
      }),
    ),
    read(bytes) {
      const length = requestLength(bytes.subarray(0, REQUEST_START));
      assert.ok(length <= REQUEST_LIMIT);
      const request = parseBlobRequest(bytes);
      assert.equal(length, bytes.byteLength);
      assert.ok(request.length > 0 && request.length <= LENGTH_LIMIT);
      same(formatBlobRequest(request), bytes);
    },
  },
  {
    name: 'blob-answer',
    seeds: [
      formatBlobAnswer({ status: 'here', size: 9, available: 8, length: 3 }),
      formatBlobAnswer({ status: 'none', size: 2 ** 40, available: 0, length: 0 }),
      formatBlobAnswer({ status: 'busy', size: 1, available: 1, length: 0 }),
    ],
    read(bytes) {
      const answer = parseBlobAnswer(bytes);
      assert.equal(bytes.byteLength, ANSWER_START);
      assert.ok(answer.available <= answer.size && answer.length <= LENGTH_LIMIT);
      same(formatBlobAnswer(answer), bytes);
    },
  },
  {
    name: 'said-question',
    seeds: [names, names.slice(1)].map((each, id) => formatSaidQuestion({ id, names: each })),
    read(bytes) {
      const question = parseSaidQuestion(bytes);
      assert.ok(question.names.length > 0 && question.names.length <= NAMES_LIMIT);
      same(formatSaidQuestion(question), bytes);
    },
  },
  {
    name: 'said-answer',
    seeds: [[[copy], []], [[copy, { ...copy, encoding: 'identity', size: COPY_LIMIT }]]].map((said, id) =>
      formatSaidAnswer({ id, said: said as SaidCopy[][] }),
    ),
    read(bytes) {
      const answer = parseSaidAnswer(bytes);
      assert.ok(answer.said.length <= NAMES_LIMIT);
      for (const copies of answer.said) {
        assert.ok(copies.length <= COPIES_LIMIT);
        assert.ok(copies.every(({ size }) => size > 0 && size <= COPY_LIMIT));
      }
      same(formatSaidAnswer(answer), bytes);
    },
  },
];
