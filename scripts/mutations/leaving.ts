import { guardsIn } from './mutation.ts';

/** Who leaves takes along what is ours, and nothing else. */
export const leavingGuards = [
  ...guardsIn(
    'src/ours.ts',
    'test/ours.test.ts',
    {
      why: "Somebody else's directory is emptied",
      find: 'stat.uid !== process.getuid()',
      replace: 'stat.uid === -1',
      only: 'if it is somebody else',
    },
    {
      why: "The user's home is emptied",
      find: 'if (isWithin(existsSync(home) ? realpathSync(home) : home, realpathSync(directory)))',
      replace: "if (directory === '')",
      only: 'if the home directory lies in it',
    },
    {
      why: 'A directory counts as ours in which something lay before us',
      find: 'readdirSync(directory).every(isOurs)',
      replace: 'true || isOurs',
      only: 'if something lay in it',
    },
    {
      why: 'A directory counts as ours in which one name is',
      find: 'content.every(isName)',
      replace: 'content.some(isName)',
      only: 'when something else lies beside that',
    },
    {
      why: 'A directory goes that was there before us',
      find: "if (!made.includes('.')) return;",
      replace: '',
      only: 'is emptied and stays',
    },
    {
      why: 'A record has any directory removed',
      find: '.filter((line) => LEVEL.test(line))',
      replace: '.filter(Boolean)',
      only: 'A record names no directory',
    },
    {
      why: 'What was not made for us counts as made for us',
      find: 'return note(directory, levels(first, directory));',
      replace: "return note(directory, ['.', '..']);",
      only: 'though they are empty',
    },
  ),
  ...guardsIn(
    'src/command/purge.ts',
    'test/command/purge.test.ts',
    {
      why: 'A runtime directory that others may write is removed',
      find: 'if (!isPrivate(runtime)) return { left, above: [] };',
      replace: '',
      only: 'others may write',
    },
    {
      why: "A stranger's cache is taken for one that an agent has made again",
      find: '/^(content|documents|partial|projects|catalogue\\.sqlite(-\\w+)?|writer\\.lock)$/',
      replace: '/./',
      only: 'Only what an agent makes',
    },
  ),
  ...guardsIn(
    'src/control/ending.ts',
    'test/control/ending.test.ts',
    {
      why: 'An agent in a container is killed for one of ours',
      find: ' && seesOurFiles(pid, directory)',
      replace: '',
      only: 'of another container',
    },
    {
      why: 'Whoever may write our directory has us talk to them',
      find: 'if (!isPrivate(runtime)) return [];',
      replace: '',
      only: 'that others may write',
    },
  ),
  ...guardsIn(
    'src/command/leaving.ts',
    'test/commands/uninstall.test.ts',
    {
      why: 'A directory is left that was made for the settings',
      find: 'removeEmptied(removal.above, []);\n  const files',
      replace: 'const files',
      only: 'takes ~/.config along',
    },
    {
      why: 'A directory is left that was made for files of a shell',
      find: 'last thing there.\n  removeEmptied(removal.above, []);',
      replace: 'last thing there.',
      only: 'takes ~/.config along',
    },
  ),
  ...guardsIn(
    'src/command/greeting.ts',
    'test/command/greeting.test.ts',
    {
      why: 'Scripts are greeted',
      find: "!process.stderr.isTTY || !process.stdout.isTTY || env['CI']",
      replace: "!process.stderr.isTTY || env['CI']",
      only: 'in a pipe, in CI',
    },
    {
      why: 'JSON comes with a greeting',
      find: "|| args.includes('--json')",
      replace: '',
      only: 'is not disturbed',
    },
    {
      why: 'Who has shims is told to install them',
      find: ' || existsSync(shims)) return;',
      replace: ') return;',
      only: 'Nobody is told to do what is done',
    },
    {
      why: 'Who is greeted once is greeted each time',
      find: '  } catch {\n    return;\n  }',
      replace: '  } catch {}',
      only: 'where that cannot be noted',
    },
  ),
  ...guardsIn('src/commands/bypass.ts', 'test/commands/bypass.test.ts', {
    why: 'What goes past us is led by us all the same',
    find: "{ ...restored(session.env), PYRSIA: 'off' }",
    replace: '{ ...restored(session.env) }',
    only: 'switches us off below it',
  }),
];
