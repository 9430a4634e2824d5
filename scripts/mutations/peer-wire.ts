import { guardsIn } from './mutation.ts';

/** What peers say to each other, byte by byte, and how much of it. */
export const wireGuards = [
  ...guardsIn(
    'src/p2p/wire/multihash.ts',
    'test/p2p/wire.test.ts',
    {
      why: 'Peers are asked by digests that can be forged',
      find: "  if (algorithm === 'sha1') return undefined;\n",
      replace: "  if (algorithm === 'sha1') return new Uint8Array();\n",
    },
    {
      why: 'The code of one hash function and the length of another pass for a digest',
      find: 'if (known[0] === code && known[1] === length) return 2 + length;',
      replace: 'if (known[1] === length) return 2 + length;',
    },
  ),
  ...guardsIn(
    'src/p2p/wire/spent.ts',
    'test/p2p/spent.test.ts',
    {
      why: 'Memory is freed of which somebody else has another part',
      find: 'byteLength === buffer.byteLength && ',
      replace: '',
    },
    {
      why: 'Memory is freed that others may have',
      find: ' && fresh.delete(buffer)',
      replace: '',
    },
  ),
  ...guardsIn(
    'src/p2p/wire/cursor.ts',
    'test/p2p/wire.test.ts',
    {
      why: 'What follows a message is overlooked',
      find: "if (at !== all.length) throw malformed('something follows its end');",
      replace: '',
    },
    {
      why: 'A number of a stranger is not the one that it was',
      find: "if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is too large');",
      replace: '',
    },
    {
      why: 'A stranger puts control characters into what is logged',
      find: "if (!/^[\\x21-\\x7e]+$/.test(text)) throw malformed('a text has other characters than it may');",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/p2p/wire/wire.ts',
    'test/p2p/wire.test.ts',
    {
      why: 'A frame takes as much memory as its sender likes',
      find: 'if (length === 0 || length > FRAME_LIMIT) throw',
      replace: 'if (length === 0) throw',
    },
    {
      why: 'A message is about more than it may be',
      find: 'if (value > limit) throw',
      replace: 'if (value > 2 * limit) throw',
    },
    {
      why: 'A part may be more than the whole',
      find: "if (available >= size) throw malformed('a part is no part');",
      replace: '',
    },
    {
      why: 'A peer may have more than there is',
      find: "if (available > size) throw malformed('it says that there is more than all');",
      replace: '',
    },
    {
      why: 'Bytes come with the answer that there are none',
      find: "if ((status === 'here') !== length > 0) throw",
      replace: "if (status === 'here' && length === 0) throw",
    },
    {
      why: 'A hint is of what was not asked for',
      find: "if ((which.at(-1) ?? 0) >= Math.max(count, 1)) throw malformed('a hint is of what was not asked for');",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/p2p/wire/channel.ts',
    'test/p2p/ask.test.ts',
    {
      why: 'Bytes that nobody asked for are kept, and taken for the next answer',
      find: "if (allowed < 0) close(beyond, 'it sends more than it was asked for');",
      replace: '',
      only: 'lies',
    },
    {
      why: 'Half of an answer passes for one that never came, and is waited for',
      find: "if (filled > 0) return void close('cut', 'it stopped in the middle of a message');",
      replace: 'if (filled > 0) return;',
      only: 'cuts',
    },
  ),
  ...guardsIn('src/p2p/wire/channel.ts', 'test/p2p/serve.test.ts', {
    why: 'Whoever does not read has everything put into memory for him',
    find: 'while (stream.writableNeedsDrain) await drained(stream, ended.signal);',
    replace: 'void drained;',
    only: 'takes nothing',
  }),
  ...guardsIn(
    'src/p2p/fetch/ask-lane.ts',
    'test/p2p/ask.test.ts',
    {
      why: 'A part of another length passes for what was asked for',
      find: "if (kind === 'list' ? answer.length > length : answer.length !== length)",
      replace: "if (kind === 'list' && answer.length > length)",
      only: 'lies',
    },
    {
      why: 'A peer gives what it says it has not',
      find: "if (kind === 'bytes' && offset + length > answer.available)",
      replace: "if (kind === 'bytes' && offset + length > answer.size)",
      only: 'lies',
    },
    {
      why: 'Content may change its length while it is fetched',
      find: 'if (before && before.size !== answer.size)',
      replace: 'if (before && before.size < 0)',
      only: 'lies',
    },
    {
      why: 'A peer that drips is waited for',
      find: "if (pace.over(now)) return ['slow', 'it sends too little of what it was asked for'];",
      replace: '',
      only: 'is slow',
    },
    {
      why: 'Any number of bytes is on its way',
      find: 'inFlight + bytes + first.length <= IN_FLIGHT_LIMIT',
      replace: 'inFlight + bytes + first.length > 0',
      only: 'has no more',
    },
    {
      why: 'More comes in than the user allows',
      find: 'await download.take(bytes, channel.closed);',
      replace: '',
      only: 'takes no more',
    },
  ),
  ...guardsIn('src/p2p/wire/question-stream.ts', 'test/p2p/ask.test.ts', {
    why: 'An answer to another question, or of another length, passes for this one',
    find: 'if (!asked || !fits(asked.question, answer))',
    replace: 'if (!asked)',
    only: 'answers a question',
  }),
  ...guardsIn(
    'src/p2p/serve/serve-have.ts',
    'test/p2p/have.test.ts',
    {
      why: 'Strangers learn what is here',
      find: 'const offer = may ? offers.find(digest) : undefined;',
      replace: 'const offer = offers.find(digest);',
    },
    {
      why: 'Strangers learn who else is there',
      find: 'may && question.delegate ? await hints(question, connection) : []',
      replace: 'question.delegate ? await hints(question, connection) : []',
    },
  ),
  ...guardsIn('src/p2p/serve/serve-questions.ts', 'test/p2p/serve.test.ts', {
    why: 'A peer may ask as often as it likes',
    find: 'await share.question(channel.closed);',
    replace: 'void share;',
    only: '20 questions',
  }),
  ...guardsIn(
    'src/p2p/serve/serve-lane.ts',
    'test/p2p/serve.test.ts',
    {
      why: 'Strangers are given what is here',
      find: 'const offer = gives(connection) ? offers.find(digest) : undefined;',
      replace: 'const offer = offers.find(digest);',
      only: 'does not offer',
    },
    {
      why: 'More goes out than the user allows',
      find: 'await allowance.upload.take(full.byteLength, channel.closed);',
      replace: 'void allowance;',
      only: 'no more than its limit',
    },
  ),
  ...guardsIn('src/p2p/serve/serve-lane.ts', 'test/p2p/lane.test.ts', {
    why: 'Bytes are given that were not verified yet',
    find: 'offset + length <= available;',
    replace: 'offset + length <= size;',
  }),
  ...guardsIn(
    'src/p2p/serve/lane-requests.ts',
    'test/p2p/serve.test.ts',
    {
      why: 'Requests pile up in memory',
      find: "if (!share.enqueue()) throw channel.close('flood', 'it asks for too much at a time');",
      replace: 'share.enqueue();',
      only: '65 things',
    },
    {
      why: 'Requests of streams that have ended count for ever, until a peer may ask nothing',
      find: 'for (const _ of waiting.splice(0)) share.dequeue();',
      replace: 'waiting.splice(0);',
      only: '65 things',
    },
  ),
  ...guardsIn(
    'src/p2p/serve/serve.ts',
    'test/p2p/serve.test.ts',
    {
      why: 'A peer that reads nothing keeps its stream, and what was read for it',
      find: "if (pace.over(now)) return ['slow', 'it takes too little of what it asked for'];",
      replace: '',
      only: 'takes nothing',
    },
    {
      why: 'Streams on which nothing is asked are kept for ever',
      find: "return now - asked > IDLE ? ['cut', 'it asks nothing'] : undefined;",
      replace: 'return now < asked ? undefined : undefined;',
      only: 'half a minute',
    },
  ),
  ...guardsIn(
    'src/p2p/serve/allowance.ts',
    'test/p2p/allowance.test.ts',
    {
      why: 'One peer has any number of streams',
      find: 'if (ended.aborted || streams[kind] >= limit) return undefined;',
      replace: 'if (ended.aborted || limit < 0) return undefined;',
    },
    {
      why: 'All peers together have any number of streams',
      find: "if (kind === 'lane' && lanes >= ALL_LANES_LIMIT) return undefined;",
      replace: '',
    },
    {
      why: 'Who connects again may ask as much again',
      find: 'if (isIdle && own.full() && named.full()) peers.delete(peer);',
      replace: 'if (streams.lane + streams.asking === 0) peers.delete(peer);',
    },
    {
      why: 'Any number of bytes is on its way to one peer',
      find: 'inFlight === 0 || inFlight + bytes <= IN_FLIGHT_LIMIT',
      replace: 'inFlight === 0 || bytes <= IN_FLIGHT_LIMIT',
    },
  ),
  ...guardsIn(
    'src/p2p/host/bounded-yamux.ts',
    'test/p2p/bounded-yamux.test.ts',
    {
      why: 'One frame of a stranger fills the memory',
      find: 'if (left > MUXER_FRAME_LIMIT) return true;',
      replace: '',
    },
    {
      why: 'What is in a frame passes for the header of the next',
      find: 'if (header[TYPE] === DATA) left = header.readUInt32BE(LENGTH);',
      replace: 'left = header[TYPE] === DATA ? header.readUInt32BE(LENGTH) : 0; if (left < 99) left = 0;',
    },
  ),
  ...guardsIn('src/p2p/wire/pace.ts', 'test/p2p/allowance.test.ts', {
    why: 'Peers are blamed, and banned, because this machine slept',
    find: 'Math.min(now - since, LOOK)',
    replace: '(now - since)',
  }),
];
