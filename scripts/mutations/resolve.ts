import { guardsIn } from './mutation.ts';

/** On whose word something is delivered, and that it is all of it. */
export const resolveGuards = [
  ...guardsIn(
    'src/verify/expect.ts',
    'test/verify/expect.test.ts',
    {
      why: 'A lockfile may name other bytes than the registry does',
      find: 'contradiction([known.digest], [digest])',
      replace: 'contradiction([known.digest], [known.digest])',
    },
    {
      why: 'The weakest witness gives the word',
      find: 'said.find(([, , theirs])',
      replace: 'said.findLast(([, , theirs])',
    },
    {
      why: 'locked is content with what a lockfile claims',
      find: "if (word === 'claimed' || word === 'unknown') return false;",
      replace: "if (word === 'unknown') return false;",
    },
    {
      why: 'strict is content with a digest that can be collided to order',
      find: '!isWeak(digest)',
      replace: "digest !== ''",
    },
  ),
  ...guardsIn(
    'src/resolve/transfer.ts',
    'test/resolve/resolve.test.ts',
    {
      why: 'Who reads second gets what the first has left of it',
      find: 'place.parts.push(shared(chunk));',
      replace: 'place.parts.push(chunk);',
      only: 'whichever of them',
    },
    {
      why: 'What is small is sent before it is verified',
      find: 'Math.max(offset, size ?? 0) > WHOLE_LIMIT',
      replace: 'Math.max(offset, size ?? 0) > 0',
      only: 'when one lies',
    },
    {
      why: 'Halves of two files are joined where no digest would tell',
      find: 'wanted.digests.length === 0 || ',
      replace: '',
      only: 'two halves',
    },
    {
      why: 'A source that breaks is asked more often than is said',
      find: 'const CONTINUATIONS = 3;',
      replace: 'const CONTINUATIONS = 4;',
      only: '20 KB > fails in the end',
    },
    {
      why: 'Without a disk nothing is compared with what was wanted',
      find: 'verified(content.chunks, wanted,',
      replace: 'verified(content.chunks, { digests: [] },',
      only: '12 MiB > is never delivered whole without a disk',
    },
    {
      why: 'A large transfer goes on for nobody',
      find: 'if (readers === 0 && streaming) abort.abort();',
      replace: '',
      only: 'nobody reads',
    },
  ),
  ...guardsIn(
    'src/resolve/resolve.ts',
    'test/resolve/resolve.test.ts',
    {
      why: 'What many want at once is fetched for each',
      find: 'flying.get(key) ?? take(',
      replace: 'take(',
      only: '20 KB > is fetched once',
    },
    {
      why: 'Who names another digest shares the transfer',
      find: "[flight, ...wanted.digests].join(' ')",
      replace: 'flight',
      only: 'shares no transfer',
    },
    {
      why: 'A digest that the cache has never computed is believed',
      find: '.includes(digest));',
      replace: '.includes(digest) && digest.length === 0);',
      only: 'never computed',
    },
  ),
  ...guardsIn(
    'src/agent/past-us.ts',
    'test/agent/past-us.test.ts',
    {
      why: 'A lockfile is parsed with every launch, though all of it is led to us',
      find: 'if (lockedHosts.every((host) => note.because(new URL(`https://${host}/`)) === undefined)) return;',
      replace: '',
      only: 'not even read',
    },
    {
      why: 'What npm’s own cache holds is said to have been fetched past us',
      find: ' || (digest && heldBefore(install.cache, digest, startedAt))',
      replace: '',
    },
  ),
  ...guardsIn(
    'src/resolve/reporter.ts',
    'test/resolve/reporter.test.ts',
    {
      why: 'What came through us is said to have gone past us',
      find: 'past.delete(line.purl);',
      replace: '',
    },
    {
      why: 'A package counts as often as it stands in the tree, of which nothing more is fetched',
      find: 'if (before && isTold(before, line)) return;',
      replace: '',
      only: 'once',
    },
    {
      why: 'The receipt that is kept counts what the tool, having ended, did not get',
      find: 'if (isClosed) return;',
      replace: '',
      only: 'whoever waits',
    },
  ),
];
