import { guardsIn } from './mutation.ts';

/** Files of shells stay their owner's, and what comes first on the PATH is ours and nobody else's. */
export const shellFileGuards = [
  ...guardsIn(
    'src/shims/rc-block.ts',
    'test/shims/rc-block.test.ts',
    {
      why: 'Lines that somebody has changed are taken for ours',
      find: "if ([block, ...others].some(({ altered }) => altered)) return 'altered';",
      replace: '',
      only: 'and changed stays as it is|lines that somebody wrote',
    },
    {
      why: 'Lines that somebody has changed are overwritten',
      find: " || state === 'altered')",
      replace: ')',
      only: 'and changed stays as it is|lines that somebody wrote',
    },
    {
      why: 'Each install adds another block',
      find: 'others.length === 0 && isCurrent',
      replace: 'isCurrent',
      only: 'has one block where there were several',
    },
    {
      why: 'A line that goes on swallows our first one',
      find: '(goesOn ? [EMPTY] : [])',
      replace: '[]',
      only: 'does not go on into our block',
    },
    {
      why: 'A file gets an end that it did not have',
      find: '(isEndless ? [ENDLESS] : [])',
      replace: '[]',
      only: 'byte for byte',
    },
    {
      why: 'Lines that somebody wrote between ours are lost',
      find: 'rest.push(...lines.slice(at, from), ...kept);',
      replace: 'rest.push(...lines.slice(at, from));',
      only: 'stay where they were',
    },
    {
      why: 'Half a line end is left where an editor has changed them',
      find: "endsWith('\\r\\n') ? '\\r\\n' : '\\n'",
      replace: "endsWith('\\r\\n') ? '\\n' : '\\n'",
      only: 'changed the line ends',
    },
    {
      why: 'A directory with an umlaut is another one in the file',
      find: '${asBytes(block)}',
      replace: '${block}',
      only: 'byte for byte|several',
    },
  ),
  ...guardsIn('src/shims/own-lines.ts', 'test/shims/rc-block.test.ts', {
    why: 'A part of a statement is left in a shell file',
    find: 'next === ours.length ? left : undefined',
    replace: 'next > 0 ? left : undefined',
    only: 'lines that somebody wrote',
  }),
  ...guardsIn(
    'src/shims/edit-file.ts',
    'test/shims/edit-file.test.ts',
    {
      why: 'The other names of a file keep the old text',
      find: "if (stat.nlink > 1) throw new Error('it has several names');",
      replace: '',
      only: 'keeps its other names',
    },
    {
      why: 'A file that is read-only is changed, since root may',
      find: "if ((stat.mode & 0o222) === 0) throw new Error('it is read-only');",
      replace: '',
      only: 'that is read-only stays so',
    },
    {
      why: 'What somebody else writes at the same time is lost',
      find: "if (readFileSync(target, 'latin1') !== before) throw",
      replace: "if (before === '\\0') throw",
      only: 'has both changes',
    },
    {
      why: 'Half a file is left on a full disk',
      find: 'endWith(before);',
      replace: '',
      only: 'disk is too small',
    },
    {
      why: 'A secret in a file of a shell becomes readable for others, or a file unreadable',
      find: 'fchmodSync(file, stat.mode & 0o7777);',
      replace: '',
      only: 'keeps its mode',
    },
    {
      why: "Root takes a user's file away",
      find: 'fchownSync(file, stat.uid, stat.gid);',
      replace: ';',
      only: 'keeps its owner',
    },
    {
      why: 'A file is overwritten that somebody else has just made',
      find: "if (lstatSync(path, { throwIfNoEntry: false })) throw new Overtaken('somebody",
      replace: "if (path === '') throw new Overtaken('somebody",
      only: 'that somebody else makes at the same time',
    },
    {
      why: 'A link to a file becomes a file',
      find: 'const target = realpathSync(path);',
      replace: 'const target = path;',
      only: 'where links lead to it',
    },
    {
      why: 'What a link leads to is removed',
      find: 'after === undefined && !isLink',
      replace: 'after === undefined',
      only: 'is emptied where a link',
    },
    {
      why: 'A file is written although nothing changes in it',
      find: 'if (after === before) return false;',
      replace: '',
      only: 'is not touched',
    },
  ),
  ...guardsIn(
    'src/shims/write-file.ts',
    'test/shims/edit-file.test.ts',
    {
      why: 'A file that came to nothing stays beside the other',
      find: '    rmSync(temporary, { force: true });',
      replace: '',
      only: 'never comes to rest',
    },
    {
      why: 'A file is removed that another process is just writing',
      find: 'if (!isRunning(Number(pid))) rmSync',
      replace: 'rmSync',
      only: 'that another one is writing',
    },
  ),
  ...guardsIn(
    'src/shims/shim-files.ts',
    'test/shims/shim-files.test.ts',
    {
      why: 'A link is taken for a shim, and written through',
      find: "if (!stat.isFile()) return 'foreign';",
      replace: '',
    },
    {
      why: "One tool's shim is taken for another's",
      find: "header?.tool === name ? header : 'foreign'",
      replace: "header ?? 'foreign'",
    },
    {
      why: 'Others may put commands in front of all of a user',
      find: 'if (mode & 0o022) chmodSync(paths.shims, mode & 0o755);',
      replace: '',
    },
    {
      why: "Another pyrsia's shim is taken for the tool",
      find: 'found === undefined || !isShim(found)',
      replace: 'true',
    },
    {
      why: 'A file of somebody else is removed as a shim',
      find: "  if (header === undefined || header === 'foreign') return false;",
      replace: '  if (header === undefined) return false;',
    },
    {
      why: 'Files of somebody else go with the directory of the shims',
      find: 'if (tools.length > 0 || others.length > 0) return;',
      replace: 'if (tools.length > 0) return;',
    },
  ),
  ...guardsIn(
    'src/shims/on-path.ts',
    'test/shims/on-path.test.ts',
    {
      why: '/dev/null is written to, or replaced',
      find: 'return rcFiles(shell, home).filter(mayBeFile);',
      replace: 'return rcFiles(shell, home);',
      only: 'such as /dev/null',
    },
    {
      why: 'Leaving fails at what is no file',
      find: '...allRcFiles(home).filter(mayBeFile)',
      replace: '...allRcFiles(home)',
      only: 'such as /dev/null',
    },
    {
      why: 'Nobody is told that changed lines are left as they are',
      find: 'directories), altered };',
      replace: 'directories) };',
      only: 'somebody changed our lines',
    },
    {
      why: 'A machine that builds gets blocks in files that nobody reads there',
      find: "if (list) return [{ path: list, syntax: 'list' }];",
      replace: '',
      only: 'a CI service',
    },
    {
      why: 'What a shell reads no longer is not cleaned',
      find: '...allRcFiles(home)',
      replace: '...allRcFiles(home).slice(0, 2)',
      only: 'is cleaned, too',
    },
  ),
  ...guardsIn('src/shims/rc-files.ts', 'test/shims/rc-files.test.ts', {
    why: "A new .bash_profile hides a user's .profile",
    find: "login ?? inHome(home, '.profile')",
    replace: "login ?? inHome(home, '.bash_profile')",
  }),
];
