import { guardsIn } from './mutation.ts';

/** What peers are asked for, what is given to them, and what becomes of what they give. */
export const peerGuards = [
  ...guardsIn(
    'src/proxy/asker.ts',
    'test/proxy/peer-source.test.ts',
    {
      why: 'Peers are asked for what is private',
      find: 'return upstream.public && !alone && (',
      replace: 'return !alone && (',
      only: 'are asked for nothing',
    },
    {
      why: 'Peers are asked for somebody who wants none',
      find: 'return upstream.public && !alone && (',
      replace: 'return upstream.public && (',
      only: 'are asked for nothing',
    },
    {
      why: 'Peers hear of what may be its owner’s alone',
      find: "authorization === undefined || !name.startsWith('@')",
      replace: 'authorization !== name',
      only: 'with a login',
    },
  ),
  ...guardsIn(
    'src/proxy/fetching.ts',
    'test/proxy/peer-source.test.ts',
    {
      why: 'Peers are asked for what only a weak digest names, which they could make up',
      find: ' || wanted.digests.every(isWeak)',
      replace: '',
      only: 'are asked for nothing',
    },
    {
      why: 'What peers go on with passes for what upstream sent',
      find: '(isBound ? joinedSource(upstream, peers, vouched) : upstream)',
      replace: 'joinedSource(upstream, peers, vouched)',
      only: 'only a lockfile names it',
    },
    {
      why: 'Far peers are looked for though upstream has answered that there is none',
      find: 'isOver: () => hasAnswered',
      replace: 'isOver: () => false',
      only: 'say nothing of what upstream has',
    },
  ),
  ...guardsIn('src/proxy/peer-source.ts', 'test/proxy/peer-source.test.ts', {
    why: 'A client is sent what a peer says is of this length, before it is verified',
    find: 'unsure: !isSure,',
    replace: '',
    only: 'a length that it made up',
  }),
  ...guardsIn('src/proxy/peer-source.ts', 'test/proxy/peer-source.test.ts', {
    why: 'Nobody holds chunks against what the log says of them',
    find: '...(list?.size === held.size && { vouched: list }),',
    replace: '',
    only: 'is held, chunk by chunk',
  }),
  ...guardsIn('src/proxy/settling.ts', 'test/proxy/peer-source.test.ts', {
    why: 'What a peer gave is taken for what its name says, since a lockfile names it',
    find: 'expected = await (early ?? bound(asker, asked, first)).catch(',
    replace: 'expected = await Promise.resolve(first).catch(',
    only: 'is refused when the registry says',
  }),
  ...guardsIn('src/resolve/transfer.ts', 'test/proxy/peer-source.test.ts', {
    why: 'A peer that lied is asked again and again',
    find: 'if (isWrong(error)) source.wrong?.();',
    replace: '',
    only: 'is passed over for upstream',
  }),
  ...guardsIn('src/agent/fetch-ahead.ts', 'test/agent/fill-cold.test.ts', {
    why: 'Peers hear of what is private, or somebody needs who wants none, before anybody asks for it',
    find: 'mayBeHeard(asker, request.coordinates.name)',
    replace: 'Boolean(asker ?? request)',
    only: 'is not heard of',
  }),
  ...guardsIn('src/cache/arriving.ts', 'test/cache/arriving.test.ts', {
    why: 'Peers are given all of what is wrong, and that it is all',
    find: 'Math.max(0, Math.min(written, size) - HELD_BACK)',
    replace: 'Math.min(written, size)',
    only: 'as far as it is in the file',
  }),
  ...guardsIn(
    'src/resolve/transfer.ts',
    'test/p2p/passing-on.test.ts',
    {
      why: 'What is private is given to peers since a lockfile claims its digest for something public',
      find: '(offeredFrom === name && beginning === 0)',
      replace: '(offeredFrom === name)',
      only: 'only a lockfile names',
    },
    {
      why: 'What peers send is passed on though nobody has said that it is public',
      find: '(offeredFrom === name && beginning === 0)',
      replace: '(beginning === 0)',
      only: 'only a lockfile names',
    },
  ),
  ...guardsIn('src/proxy/fetching.ts', 'test/proxy/peer-source.test.ts', {
    why: 'What is private is given to peers while it arrives',
    find: "if (!mayBeHeard(asker, coordinates.name) || changes) return 'nobody';",
    replace: "if (changes) return 'nobody';",
    only: 'neither while it arrives',
  }),
  ...guardsIn(
    'src/cache/offered.ts',
    'test/cache/offered.test.ts',
    {
      why: 'What is private is given to peers',
      find: 'WHERE b.private = 0 AND b.sha256 = c.sha256)',
      replace: 'WHERE b.sha256 = c.sha256)',
      only: 'by each digest that was computed',
    },
    {
      why: 'Parts of things have records of their own',
      find: "AND (b.file = '' OR c.size >= ?)",
      replace: 'AND ? > 0',
      only: 'where it is no part of something',
    },
  ),
];
