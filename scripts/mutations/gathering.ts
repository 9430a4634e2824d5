import { guardsIn } from './mutation.ts';

/** What is taken from peers, what verifies it, and who is held responsible for what. */
export const gatheringGuards = [
  ...guardsIn(
    'src/content/chunks.ts',
    'test/content/chunks.test.ts',
    {
      why: 'A chunk that is another passes',
      find: 'equalHashes(hash, chunkHash(bytes))',
      replace: 'hash.byteLength > 0',
      only: 'has no chunk',
    },
    {
      why: 'The log and peers cut large content otherwise',
      find: 'size > LARGE ? LARGE_CHUNK : CHUNK',
      replace: 'size >= LARGE ? LARGE_CHUNK : CHUNK',
      only: 'is cut',
    },
    {
      why: 'The end of content is no chunk',
      find: 'if (room < chunkSize || hashes.length === 0) hashes.push(leaf.digest());',
      replace: '',
      only: 'has the root',
    },
  ),
  ...guardsIn(
    'src/p2p/lists/chunk-list.ts',
    'test/p2p/chunk-list.test.ts',
    {
      why: 'Anybody signs lists as anybody',
      find: 'if (!verify(null, Buffer.from(head!), ed25519(publicKey), proof))',
      replace: 'if (proof.byteLength === 0)',
      only: 'one byte is another',
    },
    {
      why: 'Hashes that nobody signed pass for what was signed',
      find: 'if (!equalHashes(rootOfChunks(list), head.root))',
      replace: 'if (hashes.length === 0)',
      only: 'one byte is another',
    },
    {
      why: 'A stranger has memory filled with a list',
      find: 'if (bytes.byteLength > LIST_LIMIT)',
      replace: 'if (bytes.byteLength < 0)',
      only: 'not even looked at',
    },
    {
      why: 'Lists are read that nobody can hold against one another',
      find: 'if (cut.size > SIZE_LIMIT || cutOf(cut.size).chunkSize !== cut.chunkSize)',
      replace: 'if (cut.size > SIZE_LIMIT)',
      only: 'cut otherwise',
    },
    {
      why: 'One list has two spellings',
      find: "if (bytes.toString('base64') !== base64) throw",
      replace: "if (bytes.toString('base64') === base64.slice(1)) throw",
      only: 'has one spelling',
    },
  ),
  ...guardsIn(
    'src/p2p/lists/fraud.ts',
    'test/p2p/chunk-list.test.ts',
    {
      why: 'Whoever has signed nothing is guilty',
      find: 'if (a.maker !== b.maker || ',
      replace: 'if (',
      only: 'somebody else has signed',
    },
    {
      why: 'Whoever has signed lists of two contents is guilty',
      find: '!sameContent(a, b.digests) || ',
      replace: '',
      only: 'somebody else has signed',
    },
    {
      why: 'Whoever says what the log says is guilty',
      find: '!list.digests.includes(digest) || sameChunks(list, vouched)',
      replace: '!list.digests.includes(digest)',
      only: 'is proven by the log',
    },
  ),
  ...guardsIn(
    'src/p2p/lists/list-tally.ts',
    'test/p2p/chunk-list.test.ts',
    {
      why: 'Whoever signs what the log contradicts goes on giving',
      find: '(vouched && otherRoot(list, digest, vouched))',
      replace: 'undefined',
      only: 'the one that the log has',
    },
    {
      why: 'A peer is believed for what it says another has signed',
      find: 'if (!vouched && list.maker !== by.peer)',
      replace: 'if (false)',
      only: 'those do not count',
    },
    {
      why: 'One who has two keys outvotes others',
      find: 'areUnrelated(one, other)',
      replace: 'one !== other',
      only: 'count as one',
    },
    {
      why: 'A list of something else is believed',
      find: 'if (!list.digests.includes(digest)) return',
      replace: 'if (false) return',
      only: 'those do not count',
    },
  ),
  ...guardsIn(
    'src/p2p/serve/list-maker.ts',
    'test/p2p/list-maker.test.ts',
    {
      why: 'This machine signs a list of a damaged file, and is banned for it',
      find: 'measure({ digests: [sha256], size }, algorithms)',
      replace: "measure({ digests: [] }, ['sha256', ...algorithms])",
      only: 'is not signed where',
    },
    {
      why: 'Strangers keep this machine hashing',
      find: 'if (underWay.size >= WAITING) return undefined;',
      replace: '',
      only: 'while too many wait',
    },
  ),
  ...guardsIn(
    'src/p2p/fetch/proving.ts',
    'test/p2p/gather.test.ts',
    {
      why: 'A small whole is passed on that has another digest',
      find: 'digests.every((each) => digestOf(bytes, algorithmOf(each)) === each)',
      replace: 'digests.some((each) => digestOf(bytes, algorithmOf(each)) === each)',
      only: 'only a weaker digest fits',
    },
    {
      why: 'Peers are asked for what can be collided to order',
      find: 'digests.find((each) => !isWeak(each))',
      replace: 'digests[0]',
      only: 'collided to order',
    },
  ),
  ...guardsIn(
    'src/p2p/fetch/intake.ts',
    'test/p2p/gather.test.ts',
    {
      why: 'A wrong chunk is passed on',
      find: 'if (verdict === false) return refuse(fetching, hand, slot, bytes);',
      replace: '',
      only: 'never gets through',
    },
    {
      why: 'What nobody vouches for is passed on, however large',
      find: "if (verdict === undefined && proving.state === 'none' && isPeer(hand) && !isPlain(fetching)) return;",
      replace: '',
      only: 'above 64 MiB',
    },
    {
      why: 'An honest peer is struck for not fitting the list of a liar',
      find: 'if (isSure) blame.strike',
      replace: 'if (true) blame.strike',
      only: 'only a suspicion',
    },
    {
      why: 'A stranger who signs a wrong list is believed more than the registry',
      find: 'if (proving.isVouched || fromPeers) {',
      replace: 'if (proving.state) {',
      only: 'nobody but a stranger',
    },
  ),
  ...guardsIn(
    'src/p2p/fetch/team.ts',
    'test/p2p/gather.test.ts',
    {
      why: 'More bytes than were asked for are passed on',
      find: 'if (bytes.byteLength !== piece.length)',
      replace: 'if (bytes.byteLength < piece.length)',
      only: 'of another length',
    },
    {
      why: 'Whoever hangs is waited for without end',
      find: 'await Promise.race([answer, tooLong(hand, hand.queued, signal)])',
      replace: 'await Promise.race([answer, new Promise<never>(() => undefined)])',
      only: 'fails when all hang',
    },
  ),
  ...guardsIn(
    'src/p2p/fetch/blame.ts',
    'test/p2p/gather.test.ts',
    {
      why: 'A peer is banned for what was wrong before it gave anything',
      find: "if (isWhole) strike({ peer: maker }, 'fraud'",
      replace: "if (signed) strike({ peer: maker }, 'fraud'",
      only: 'no fraud for sure',
    },
    {
      why: 'Whoever gave the right half is blamed as much as whoever gave the wrong one',
      find: ' / Math.max(1, gave.length)',
      replace: '',
      only: 'one peer at a time',
    },
  ),
  ...guardsIn('src/p2p/fetch/window.ts', 'test/p2p/gather.test.ts', {
    why: 'A slow reader has memory filled',
    find: 'for (; slots.length < width && next <= last; next++)',
    replace: 'for (; slots.length < 2 * width && next <= last; next++)',
    only: 'waits in memory',
  }),
  ...guardsIn(
    'src/p2p/book/peer-score.ts',
    'test/p2p/peer-book.test.ts',
    {
      why: 'A liar is asked again and again',
      find: "if (reason !== 'fraud' && weight < BAN_AT - 0.001) return struck;",
      replace: 'return struck;',
      only: 'follows three wrong chunks',
    },
    {
      why: 'A clock that was wrong bans for years',
      find: ' && ban.until - now <= LONGEST_BAN ? ban',
      replace: ' ? ban',
      only: 'another clock',
    },
  ),
  ...guardsIn(
    'src/p2p/book/peer-book.ts',
    'test/p2p/peer-book.test.ts',
    {
      why: 'A liar comes again with another key',
      find: 'if (ban?.range === range) return ban;',
      replace: '',
      only: 'same address range',
    },
    {
      why: 'Whoever the user has named is banned for what a neighbour did',
      find: 'address === undefined || isUsers(peer)) return own;',
      replace: 'address === undefined) return own;',
      only: 'same address range',
    },
    {
      why: 'Strangers fill the book',
      find: 'if (known.size > PEERS_LIMIT) forget();',
      replace: '',
      only: 'too many',
    },
  ),
  ...guardsIn('src/p2p/address-range.ts', 'test/p2p/peer-book.test.ts', {
    why: 'One liar has a whole private network banned',
    find: 'return isPrivate(plain) ? plain :',
    replace: 'return plain === address.slice(1) ? plain :',
    only: 'in a private network',
  }),
];
