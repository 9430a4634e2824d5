import { guardsIn } from './mutation.ts';

/** What scripts and people may rely on. */
export const commandGuards = [
  ...guardsIn(
    'src/command/failure.ts',
    'test/command/failure.test.ts',
    {
      why: 'A script cannot tell a refusal from a failure',
      find: 'CONTRADICTED: REFUSED,',
      replace: 'CONTRADICTED: FAILED,',
    },
    {
      why: 'A script cannot tell what is not there from what cannot be had now',
      find: 'OFFLINE_MISS: OFFLINE,',
      replace: 'OFFLINE_MISS: FAILED,',
    },
  ),
  ...guardsIn(
    'src/command/deliver.ts',
    'test/command/deliver.test.ts',
    {
      why: 'What was damaged since it was fetched is handed out',
      find: 'const content = verified(createReadStream(pulled.path), {',
      replace: 'const content = createReadStream(pulled.path) ?? ({',
    },
    {
      why: 'A torn file is left under the name of the whole',
      find: 'await rm(temporary, { force: true });',
      replace: '',
    },
  ),
  ...guardsIn('src/content/harmless.ts', 'test/command/talk.test.ts', {
    why: 'A package steers the terminal by its name',
    find: "return text.replaceAll(/(?![\\n\\t])[\\p{Cc}\\u202A-\\u202E\\u2066-\\u2069]/gu, '\\u{FFFD}');",
    replace: 'return text;',
  }),
  ...guardsIn('src/command/pyrsia-command.ts', 'test/commands/every-command.test.ts', {
    why: 'With --json something else stands on stdout as well',
    find: "if (!this.jsonEnabled() && text !== '')",
    replace: "if (text !== '')",
    only: 'one JSON value',
  }),
  ...guardsIn(
    'src/command/run-wrapped.ts',
    'test/commands/exec.test.ts',
    {
      why: 'PYRSIA_STRICT=1 lets a command run without us',
      find: "if (env['PYRSIA_STRICT'] === '1')",
      replace: "if (env['PYRSIA_STRICT'] === 'never')",
      only: 'does not let it run with PYRSIA_STRICT=1',
    },
    {
      why: 'Nobody can switch us off',
      find: '!session.config.enabled || ',
      replace: '',
      only: 'runs without us with',
    },
  ),
  ...guardsIn('src/commands/cache/rm.ts', 'test/commands/cache.test.ts', {
    why: 'Something is removed that nobody confirmed',
    find: 'if (!flags.yes && !(await confirmed(',
    replace: "if (what === '' && !(await confirmed(",
    only: 'removes only what was confirmed',
  }),
  ...guardsIn('src/commands/cache/verify.ts', 'test/commands/cache.test.ts', {
    why: 'A script does not learn of damage',
    find: 'if (verification.damaged.length > 0) process.exitCode = 1;',
    replace: '',
    only: 'finds damage',
  }),
];
