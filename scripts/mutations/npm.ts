import { guardsIn } from './mutation.ts';

const CONFORMANCE = 'test/ecosystems/npm/npm.test.ts';

/** What npm may ask, what its registry's documents prove, and where its credential goes. */
export const npmGuards = [
  ...guardsIn(
    'src/ecosystems/npm/route.ts',
    'test/ecosystems/npm/route.test.ts',
    {
      why: 'A query gets a tarball round what is remembered of it',
      find: 'if (version !== undefined) {',
      replace: "if (version !== undefined && query === '') {",
    },
    {
      why: 'A path may climb out',
      find: "if (segments.some((segment) => segment === '.' || segment === '..'))",
      replace: 'if (segments.length === 0)',
    },
    { why: 'A path may hold a NUL', find: "whole.includes('\\0')", replace: 'false' },
    {
      why: 'A path may hold a line end',
      find: '/[\\x00-\\x1f\\x7f]/.test(whole)',
      replace: 'false',
    },
    { why: 'A path may hold a backslash', find: "whole.includes('\\\\')", replace: 'false' },
    {
      why: 'A name may hold letters that look like others',
      find: '/[^\\x20-\\x7e]/.test(whole)',
      replace: 'false',
    },
    { why: 'A path may be encoded twice', find: "whole.includes('%')", replace: 'false' },
    {
      why: 'A path may hide a slash',
      find: "segment.includes('/') && !/^@[^/]+\\/[^/]+$/.test(segment)",
      replace: "segment === '/'",
    },
    {
      why: 'A path may have empty segments',
      find: "if (segments.includes(''))",
      replace: "if (segments[0] === '..')",
    },
    {
      why: 'Whatever is posted goes to the registry',
      find: "method === 'POST' && QUESTION.test(path)",
      replace: "method === 'POST'",
    },
    {
      why: 'What npm is about to change is answered from the cache',
      find: "if (query !== '') return other;",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/route.ts',
    CONFORMANCE,
    { why: 'A path may hold an encoded query', find: '/[?#]/.test(whole)', replace: 'false' },
    {
      why: 'A package is published through us',
      find: "if (method !== 'GET' && method !== 'HEAD') {",
      replace: "if (method === 'POST') {",
    },
  ),
  ...guardsIn(
    'src/ecosystems/locate.ts',
    CONFORMANCE,
    {
      why: 'A path leads out of the registry',
      find: '!url?.pathname.startsWith(`${prefix}/`)',
      replace: '!url',
    },
    {
      why: 'A path that is none leads to another host',
      find: "path.startsWith('/') ? new URL(`${upstream.origin}${prefix}${path}`) : undefined",
      replace: 'new URL(`${upstream.origin}${prefix}${path}`)',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/documents.ts',
    CONFORMANCE,
    {
      why: 'A document about another package names the digest',
      find: "if (stringIn(document, 'name') !== name) return undefined;",
      replace: '',
    },
    {
      why: 'The packument of another package offers its versions',
      find: "if (!listed || stringIn(packument, 'name') !== name) return undefined;",
      replace: 'if (!listed) return undefined;',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/documents.ts',
    'test/ecosystems/npm/documents.test.ts',
    {
      why: 'A version that says that it is another names the digest',
      find: "stringIn(document, 'name') === name && stringIn(document, 'version') === version",
      replace: 'document.size > 0',
    },
    {
      why: 'A document about another package is kept',
      find: 'packageAt(path) === name) return;',
      replace: 'path.length > 0) return;',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/json-members.ts',
    'test/ecosystems/npm/json-members.test.ts',
    {
      why: 'A document may go on behind its end',
      find: 'if (end < bytes.length) throw unexpected(bytes, end);',
      replace: '',
    },
    {
      why: 'A document may be nested without an end',
      find: 'if (depth === DEPTH_LIMIT) throw',
      replace: 'if (depth < 0) throw',
    },
    {
      why: 'A bracket may close a brace',
      find: 'if (closing[--depth] !== byte) throw',
      replace: 'if (--depth < 0) throw',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/names.ts',
    CONFORMANCE,
    {
      why: 'A name may be of any length',
      find: 'name.length <= NAME_LIMIT && ',
      replace: '',
    },
    {
      why: 'A name may be a hidden file',
      find: '(?![._-])',
      replace: '',
    },
    {
      why: "Another package's tarball passes for this one's",
      find: "if (!file.startsWith(start) || !file.endsWith('.tgz')) return undefined;",
      replace: "if (!file.endsWith('.tgz')) return undefined;",
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/step-aside.ts',
    CONFORMANCE,
    {
      why: 'A release goes to our address',
      find: 'if (IN_THE_USERS_NAME.some(means)) return',
      replace: "if (typed === 'login') return",
    },
    {
      why: 'npm saves our address in its settings',
      find: 'if (ON_SETTINGS.some(means)) return',
      replace: "if (typed === 'login') return",
    },
    {
      why: 'A registry that is named in the call is overruled',
      find: "(option.length >= 3 && 'registry'.startsWith(option))",
      replace: "option === 'registry'",
    },
    {
      why: 'npm is led to us without our credential',
      find: "if (option.length > 'global'.length && 'globalconfig'.startsWith(option)) {",
      replace: "if (option === '') {",
    },
  ),
  ...guardsIn('src/ecosystems/npm/redirect.ts', CONFORMANCE, {
    why: 'Every process can read the credential',
    find: 'npm_config_globalconfig: call.pathOf(FILE),',
    replace: "npm_config_globalconfig: call.pathOf(FILE), 'npm_config__authToken': credential,",
  }),
  ...guardsIn(
    'src/ecosystems/npm/redirect.ts',
    'test/ecosystems/npm/redirect.test.ts',
    {
      why: "A section of the user's file swallows the credential",
      find: "`${[...tokens].join('\\n')}\\n${globalConfig}`",
      replace: "`${globalConfig}\\n${[...tokens].join('\\n')}`",
    },
    {
      why: 'A scope that npm misreads is led astray',
      find: 'scope === undefined || isSpellable(scope)',
      replace: "scope !== ''",
    },
    {
      why: "Another registry's tarballs are asked for at the wrong one",
      find: 'if (others.some((url) => isCaught(new URL(url)))) return undefined;',
      replace: '',
    },
    {
      why: "The user's proxy is asked for our address",
      find: '...(call.unproxied === undefined ? {} : { npm_config_noproxy: withHosts(call.unproxied, led) }),',
      replace: '',
    },
  ),
  ...guardsIn('src/ecosystems/npm/refuse.ts', CONFORMANCE, {
    why: 'A message can break a header',
    find: ".replaceAll(/[^\\x20-\\x7e]/gu, '?')",
    replace: '',
  }),
];
