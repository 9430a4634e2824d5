import { guardsIn } from './mutation.ts';

/** What neighbours tell each other by name, and what is believed of it. */
export const copyGuards = [
  ...guardsIn(
    'src/p2p/find/copies.ts',
    'test/p2p/copies.test.ts',
    {
      why: 'A neighbour that names a time to come is believed before all others',
      find: ' && each.seenAt <= latest + AHEAD_MS',
      replace: '',
      only: 'a time that has not come',
    },
    {
      why: 'Who is not to be believed is told what is looked for',
      find: '!onlyTrusted || isTrusted(peer)',
      replace: 'true',
      only: 'of nobody but those',
    },
    {
      why: 'A stranger’s word comes before that of another machine of the user’s',
      find: 'Number(isTrusted(b.peer)) - Number(isTrusted(a.peer)) || ',
      replace: '',
      only: 'trusts before others',
    },
  ),
  ...guardsIn('src/p2p/serve/serve-said.ts', 'test/p2p/copies.test.ts', {
    why: 'Strangers learn which names are here',
    find: 'tells(connection) && ',
    replace: '',
    only: 'nothing where it gives nothing',
  }),
  ...guardsIn('src/p2p/wire/said.ts', 'test/p2p/copies.test.ts', {
    why: 'Two neighbours can tell that they are asked for the same',
    find: '`${SAID_PROTOCOL}\\n${asker}\\n${asked}\\n`',
    replace: '`${SAID_PROTOCOL}\\n${asker}\\n${asked.slice(99)}\\n`',
    only: 'mean nothing to anybody else',
  }),
  ...guardsIn('src/p2p/serve/allowance.ts', 'test/p2p/allowance.test.ts', {
    why: 'A neighbour tries out all names that there are',
    find: 'if (names.some((bucket) => bucket.delay() > 0)) return false;',
    replace: '',
    only: 'names looked up',
  }),
  ...guardsIn(
    'src/cache/lent.ts',
    'test/cache/lent.test.ts',
    {
      why: 'What is private is told to neighbours',
      find: 'document?.private === false && ',
      replace: 'document !== undefined && ',
    },
    {
      why: 'A neighbour is blamed for a document that has changed meanwhile',
      find: " || digestOf(document.body, 'sha256') !== digest",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/unvouched.ts',
    'test/ecosystems/npm/unvouched.test.ts',
    {
      why: 'A neighbour has npm fetch from wherever it likes, as a dependency',
      find: 'if (!named.every(([, wanted]) => isInRegistry(wanted))) return undefined;',
      replace: '',
    },
    {
      why: 'A neighbour has npm fetch from wherever it likes, as a tarball',
      find: 'locate(tarballPath(name, version), upstream).href',
      replace: "(said['dist'] as { tarball: string }).tarball",
    },
    {
      why: 'Bytes that anybody could make up pass for what a neighbour’s copy names',
      find: 'if (digest === undefined || isWeak(digest)) return undefined;',
      replace: 'if (digest === undefined) return undefined;',
    },
  ),
  ...guardsIn(
    'src/proxy/copies.ts',
    'test/proxy/copies.test.ts',
    {
      why: 'Neighbours are asked for names though the registry is',
      find: 'offline === undefined || ',
      replace: '',
    },
    {
      why: 'Names of what is private are asked for',
      find: ' || !mayBeHeard(asker, name)',
      replace: '',
    },
    {
      why: 'A neighbour gives another document than it said it has',
      find: "if (digestOf(body, 'sha256') === sha256) {",
      replace: 'if (body.byteLength > 0) {',
      only: 'is another’s',
    },
    {
      why: 'A neighbour’s copy is kept by the tool as the registry’s',
      find: ", 'cache-control': 'no-store'",
      replace: '',
    },
  ),
  ...guardsIn('src/agent/sharing-hours.ts', 'test/agent/sharing-hours.test.ts', {
    why: 'Something is given at hours at which nobody is to have anything',
    find: "isWithin(settings['share.hours'], at) ? settings.share : 'off'",
    replace: 'at.getTime() > 0 ? settings.share : settings.share',
  }),
  ...guardsIn('src/agent/pull.ts', 'test/e2e/peers-copies.test.ts', {
    why: 'What a neighbour says is bound as the registry’s word',
    find: '(isCopy ? { claimed: digest } : { declared: digest })',
    replace: '{ declared: digest }',
    only: 'pulled',
  }),
];
