import { guardsIn } from './mutation.ts';

/** Launches are the user's own, tools are left as they are, and settings protect rather than open. */
export const shimGuards = [
  ...guardsIn(
    'src/shims/launch.ts',
    'test/shims/launch.test.ts',
    {
      why: 'An id becomes a path out of the directory',
      find: "if (!isLaunchId(id)) refuse('this is no id of a launch');",
      replace: '',
    },
    {
      why: 'A launch file names files outside of its directory',
      find: '!isLaunchId(name) || name === id',
      replace: 'name === id',
    },
    {
      why: "A launch's files tell its credential",
      find: '!isLaunchId(name) || name === id',
      replace: '!isLaunchId(name)',
    },
    {
      why: 'A launch file is taken that is a link',
      find: 'constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)',
      replace: 'constants.O_RDONLY',
    },
    {
      why: "Somebody else's launch file is taken",
      find: 'uid !== process.getuid()',
      replace: 'uid === -1',
    },
    {
      why: 'A launch file of any size is read',
      find: 'if (size > LAUNCH_LIMIT) refuse',
      replace: 'if (size < 0) refuse',
    },
    {
      why: 'A launch file may go on behind its end',
      find: "if (end !== variables.length - 1) refuse('the launch file goes on after its end');",
      replace: '',
    },
    {
      why: 'The agent gets secrets that it does not need',
      find: 'if (value !== undefined && (relevant.test(name) || named.has(name.toUpperCase()))) kept',
      replace: 'if (value !== undefined) kept',
    },
    {
      why: 'Other users can read the credential',
      find: "{ flag: 'wx', mode: 0o600 }",
      replace: "{ flag: 'wx', mode: 0o644 }",
    },
  ),
  ...guardsIn(
    'src/shims/launches.ts',
    'test/shims/launches.test.ts',
    {
      why: 'A credential is valid after its launch',
      find: 'if (!existsSync(launchFile(directory, id))) end(id);\n    return running',
      replace: 'return running',
      only: 'as soon as its file is removed',
    },
    {
      why: 'A launch is admitted whose process is gone',
      find: 'if (startedAt === undefined) {',
      replace: "if (startedAt === '') {",
      only: 'refuses a launch',
    },
    {
      why: "A launch's files outlive it",
      find: 'removeLaunch(directory, found.launch);\n    onEnd',
      replace: 'onEnd',
      only: 'with its connection',
    },
  ),
  ...guardsIn('src/shims/find-tool.ts', 'test/shims/find-tool.test.ts', {
    why: 'A tool is run from wherever we happen to be',
    find: '? undefined\n        : resolve(cwd, entry);',
    replace: '? resolve(entry)\n        : resolve(cwd, entry);',
  }),
  ...guardsIn(
    'src/shims/npm-settings.ts',
    'test/shims/npm-settings.test.ts',
    {
      why: 'A message repeats a secret',
      find: '${key} is not an http(s) URL',
      replace: '${key} is not an http(s) URL: ${String(value)}',
      only: 'that is none',
    },
    {
      why: 'A password in a URL becomes part of names',
      find: '`${configured.origin}${configured.pathname',
      replace: '`${configured.href}${configured.pathname',
      only: 'may stand in the URL',
    },
    {
      why: 'A registry that wants a client certificate is asked without',
      find: "...(certificate ? { unsupported: 'a client certificate' } : {}),",
      replace: '',
      only: 'client certificate',
    },
    {
      why: 'TLS is not checked',
      find: "strictSsl: config.get('strict-ssl') !== false,",
      replace: 'strictSsl: false,',
      only: 'direct and checked',
    },
  ),
  ...guardsIn('src/shims/npm-credentials.ts', 'test/shims/npm-settings.test.ts', {
    why: "Another port's credential is used",
    find: 'let key = `//${registry.host}',
    replace: 'let key = `//${registry.hostname}:8080',
    only: "The user's credentials",
  }),
  ...guardsIn('src/shims/environment.ts', 'test/shims/environment.test.ts', {
    why: 'A tool below the tool is led to an agent that has ended',
    find: 'if (value) before[replaced] = value;',
    replace: 'if (value) before[name] = value;',
  }),
  ...guardsIn(
    'src/shims/run-tool.ts',
    'test/shims/run-tool.test.ts',
    {
      why: 'Who calls us cannot tell that the tool was killed',
      find: 'process.kill(process.pid, signal);',
      replace: '',
      only: 'by its own SIGTERM',
    },
    {
      why: 'A signal ends us, and the tool goes on',
      find: "['SIGTERM', 'SIGHUP', ",
      replace: "['SIGTERM', ",
      only: 'told of a SIGHUP',
    },
  ),
  ...guardsIn(
    'src/config/settings.ts',
    'test/config/read-config.test.ts',
    {
      why: 'The gate is opened to the network',
      find: "isIPv4(text) && text.startsWith('127.')",
      replace: 'isIPv4(text)',
    },
    {
      why: 'A password becomes part of names',
      find: ' || url.username || url.password',
      replace: '',
    },
    {
      why: 'A project loosens the policy',
      find: 'POLICIES.indexOf(value) >= POLICIES.indexOf(than)',
      replace: 'POLICIES.includes(value)',
    },
  ),
  ...guardsIn('src/config/read-config.ts', 'test/config/read-config.test.ts', {
    why: 'A project says which registries are public',
    find: "origin !== 'project' || tightens?.(value, best.value)",
    replace: "origin !== 'project' || (tightens?.(value, best.value) ?? true)",
  }),
  ...guardsIn('src/config/config-file.ts', 'test/config/read-config.test.ts', {
    why: 'A file of any size is read as settings',
    find: '!stat.isFile() || stat.size > FILE_LIMIT',
    replace: '!stat.isFile()',
  }),
  ...guardsIn(
    'src/config/edit-config.ts',
    'test/config/edit-config.test.ts',
    {
      why: 'Some of several changes are made although one is wrong',
      find: "if (problems.length > 0) throw new PyrsiaError('CONFIG_INVALID', { problems });",
      replace: '',
    },
    {
      why: 'A file that cannot be read is overwritten',
      find: '...own,\n    ...changes.flatMap',
      replace: '...changes.flatMap',
    },
  ),
  ...guardsIn('src/paths.ts', 'test/paths.test.ts', {
    why: "Root leaves files in another user's directory",
    find: '?.uid === uid)',
    replace: '?.uid !== undefined)',
  }),
];
