import { guardsIn } from './mutation.ts';

/** What an authority has committed stays as it is, and it goes on from nothing else. */
export const authorityGuards = guardsIn(
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
);
