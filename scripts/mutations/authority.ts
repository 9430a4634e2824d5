import { guardsIn } from './mutation.ts';

/** What an authority has committed stays as it is, and it goes on from nothing else. */
export const authorityGuards = [
  ...guardsIn(
    'src/authority/open-log.ts',
    'test/authority/open-log.test.ts',
    {
      why: 'What was refused becomes part of the log',
      find: 'if (reason !== null)',
      replace: "if (reason === '')",
      only: 'refused',
    },
    {
      why: 'A batch is left out, or put where another one is',
      find: 'if (seq !== position.seq + 1n)',
      replace: 'if (seq < 0n)',
      only: 'out of order',
    },
    {
      why: 'Other entries pass for those that were committed',
      find: '(await isLast(entries))',
      replace: 'entries.length > 0',
      only: 'out of order',
    },
    {
      why: 'Two batches are written at once, and one is lost',
      find: 'const done = busy.then(() => commit(decided));',
      replace: 'const done = commit(decided);',
      only: 'at once',
    },
    {
      why: 'A log is started anew over another one, and forks',
      find: "if ((await files.read('position', POSITION_LIMIT)) !== undefined)",
      replace: 'if (files === undefined)',
      only: 'is made once',
    },
    {
      why: 'A log goes on from entries that are not its own',
      find: 'await log.entries(position.size / width)',
      replace: '[]',
      only: 'altered: ',
    },
  ),
  ...guardsIn(
    'src/authority/cosigner.ts',
    'test/authority/cosigner.test.ts',
    {
      why: 'A log whose batch does not end fills the memory of who cosigns it',
      find: 'if (batch.length > BATCH_ENTRIES + 1) throw',
      replace: 'if (batch.length < 0) throw',
      only: 'does not end',
    },
    {
      why: '30: a cosigner signs what it will not know of after a crash',
      find: 'await cosigned.put(next);',
      replace: '',
      only: '30: writes down',
    },
    {
      why: '24: a cosigner signs a tree whose entries it has not committed',
      find: 'if (!equalHashes(root, next.root))',
      replace: 'if (root.byteLength === 0)',
      only: '24: stays with what',
    },
    {
      why: 'A batch of the future stops all that come before that',
      find: 'last.block.time > clock.now() / 1000 + AHEAD_LIMIT',
      replace: 'last.block.time === 0',
      only: 'of the future',
    },
    {
      why: '24: that a log has signed two histories is forgotten',
      find: 'if (before !== undefined) await noteFork(asked.checkpoint, before);',
      replace: '',
      only: '24: keeps',
    },
  ),
  ...guardsIn(
    'src/authority/signed-head.ts',
    'test/authority/cosigner.test.ts',
    {
      why: '30: a state that was put back is signed from',
      find: 'if (last.size > position.size)',
      replace: 'if (last.size < 0n)',
      only: '30: does not start',
    },
    {
      why: '30: another history is signed from',
      find: 'if (!equalHashes(root, last.root))',
      replace: 'if (root.byteLength === 0)',
      only: '30: does not start',
    },
  ),
  ...guardsIn(
    'src/authority/recent-list.ts',
    'test/authority/recent-list.test.ts',
    {
      why: 'A block names the list of another snapshot, and nobody finds what it has',
      find: 'if (first !== from || end < to)',
      replace: 'if (end < to)',
    },
    {
      why: 'A list is handed out that is newer than the tree that names it',
      find: 'if (first !== from || end < to)',
      replace: 'if (first !== from)',
    },
  ),
  ...guardsIn('src/log/buckets.ts', 'test/log/buckets.test.ts', {
    why: 'A list that has grown is not sorted, and nobody takes it',
    find: 'pieces.push(all.subarray(from, to), record);',
    replace: 'pieces.push(record, all.subarray(from, to));',
    only: 'grows by records',
  }),
  ...guardsIn('src/authority/allowance.ts', 'test/authority/allowance.test.ts', {
    why: 'Who has a network of IPv6 addresses has as many allowances',
    find: "return filled.slice(0, 4).join(':');",
    replace: "return filled.join(':');",
  }),
  ...guardsIn('src/authority/submissions.ts', 'test/authority/node.test.ts', {
    why: 'One submitter has all authorities fetch without end',
    find: 'if (waitS > 0)',
    replace: 'if (waitS < 0)',
    only: 'for one submitter',
  }),
  ...guardsIn('src/authority/finding.ts', 'test/authority/finding.test.ts', {
    why: 'What is not final is told of as part of the log',
    find: 'end: final(),',
    replace: 'end: 2n ** 62n,',
  }),
  // What only worlds of many seeds find.
  ...guardsIn('src/authority/open-log.ts', 'test/simulation/authorities.test.ts', {
    why: '30: a crash leaves a log that names files which are not there',
    find: 'await files.write(grown.files);',
    replace: 'void files.write(grown.files);',
  }),
  ...guardsIn('src/authority/intake.ts', 'test/simulation/authorities.test.ts', {
    why: 'An entry is acknowledged before a quorum has cosigned it',
    find: 'await Promise.race([parts.finality().reached(index + 1n), aborted(signal)]);',
    replace: 'signal.throwIfAborted();',
  }),
  ...guardsIn('src/authority/cosigner.ts', 'test/simulation/forked.test.ts', {
    why: '24: a cosigner signs the other one of two histories',
    find: 'if (!equalHashes(root, next.root))',
    replace: 'if (root.byteLength === 0)',
  }),
  ...guardsIn('src/authority/judge.ts', 'test/simulation/authorities.test.ts', {
    why: '23: in some world what too few have seen is cosigned',
    find: 'if (!agreed(network, signed))',
    replace: 'if (signed.length === 0)',
  }),
  ...guardsIn(
    'src/authority/judge.ts',
    'test/authority/cosigner.test.ts',
    {
      why: '23: what too few have seen becomes part of the log',
      find: 'if (!agreed(network, signed))',
      replace: 'if (signed.length === 0)',
      only: 'too few',
    },
    {
      why: '32: a batch says two things of the same coordinates',
      find: 'if (seen.has(key)) return',
      replace: "if (key === '') return",
      only: '32: the same',
    },
    {
      why: '32: other bytes of what was observed are observed, too',
      find: 'if (!mayChange(observation.purl))',
      replace: 'if (before.entry < 0n)',
      only: '32: never cosigns a second',
    },
    {
      why: 'Whatever a block says is signed',
      find: 'encodeBase64(expected) === encodeBase64(last)',
      replace: 'expected.byteLength > 0',
      only: 'says something else',
    },
  ),
  ...guardsIn(
    'src/authority/judge.ts',
    'test/authority/judge.test.ts',
    {
      why: 'Whoever reads the log makes disputes of what has changed',
      find: 'if (others.some(({ observedAt })',
      replace: 'if (others.some(({ observedAt }) => observedAt < 0) && others.some(({ observedAt })',
      only: 'at different times',
    },
    {
      why: 'Disputes of old are handed in over and over',
      find: 'first!.observedAt <= (before?.observedAt ?? -1)',
      replace: 'first!.observedAt < -1',
      only: 'over and over',
    },
    {
      why: 'One liar fills the index with what only he has seen',
      find: 'if (new Set(all).size < all.length)',
      replace: 'if (all.length < 0)',
      only: 'one liar',
    },
  ),
  ...guardsIn('src/authority/server.ts', 'test/authority/node.test.ts', {
    why: 'Whoever asks for paths that are too long fills an authority’s own log',
    find: String.raw`/^index\/[0-9]{1,19}\/`,
    replace: String.raw`/^index\/[0-9]+\/`,
  }),
];
