import { guardsIn } from './mutation.ts';

/** What users choose about other computers. */
export const peerChoiceGuards = [
  ...guardsIn(
    'src/config/settings.ts',
    'test/config/read-config.test.ts',
    {
      why: 'A repository that was merely cloned has us share with everybody',
      find: 'parse: choice(SHARES),',
      replace: 'parse: choice(SHARES),\n    tightens: () => true,',
    },
    {
      why: 'A repository that was merely cloned has other computers asked although its user does not want that',
      find: "tightens: (value) => value === 'off',",
      replace: 'tightens: () => true,',
    },
  ),
  ...guardsIn(
    'src/p2p/said-of-peers.ts',
    'test/commands/peers.test.ts',
    {
      why: 'Who was banned comes back because a file is damaged',
      find: "throw new PyrsiaError('DOCUMENT_INVALID', { what: path, reason }, { cause: error });",
      replace: 'return new Map();',
    },
    {
      why: 'Others read with whom a user shares',
      find: '{ mode: 0o600 });\n  renameSync',
      replace: '{ mode: 0o644 });\n  renameSync',
    },
  ),
  ...guardsIn('src/p2p/quiet-places.ts', 'test/p2p/quiet-places.test.ts', {
    why: 'Everything is given everywhere because a file is damaged',
    find: 'if (!places) return () => true;',
    replace: 'if (!places) return () => false;',
  }),
  ...guardsIn('src/p2p/peer-name.ts', 'test/commands/peers.test.ts', {
    why: 'A name that no key stands for is taken for a peer',
    find: 'return isKey ? bytes.subarray(PREFIX.length) : undefined;',
    replace: 'return bytes;',
  }),
  ...guardsIn('src/agent.ts', 'test/commands/peers.test.ts', {
    why: 'An agent that was to stay goes',
    find: 'stays: () => isDockerLed() || isResident(paths.state),',
    replace: 'stays: () => isDockerLed(),',
    only: 'keeps the agent',
  }),
];
