import { guardsIn } from './mutation.ts';

/** The agent answers its own user, keeps secrets to itself, and is one. */
export const agentGuards = [
  ...guardsIn(
    'src/control/directory.ts',
    'test/control/lifecycle.test.ts',
    {
      why: 'Whoever may write our directory answers in place of the agent',
      find: '(found.mode & 0o077) !== 0',
      replace: '(found.mode & 0o777) === 0',
      only: 'is open to others',
    },
    {
      why: 'A link leads to a directory in which somebody else answers',
      find: 'lstatSync(path, { throwIfNoEntry: false })',
      replace: 'statSync(path, { throwIfNoEntry: false })',
      only: 'when it is a link',
    },
    {
      why: 'Somebody else made our directory, and answers in it',
      find: 'found.uid !== process.getuid()',
      replace: 'found.uid === -1',
      only: 'belongs to somebody else',
    },
  ),
  ...guardsIn('src/control/lock.ts', 'test/control/lock.test.ts', {
    why: 'Two agents write one cache',
    find: 'BEGIN EXCLUSIVE',
    replace: 'BEGIN',
  }),
  ...guardsIn('src/control/lines.ts', 'test/control/lines.test.ts', {
    why: 'A line without an end fills the memory',
    find: 'if (size > limit) listener.onMalformed(`a line of more than ${limit} bytes came`);\n    return size <= limit;',
    replace: 'return true;',
  }),
  ...guardsIn('src/control/server.ts', 'test/control/connection.test.ts', {
    why: 'A client calls what is no method',
    find: 'return Object.hasOwn(handlers, name);',
    replace: 'return name in handlers;',
    only: 'is no method',
  }),
  ...guardsIn('src/control/connection.ts', 'test/control/connection.test.ts', {
    why: 'An agent of another protocol is misunderstood',
    find: "greeting.protocol !== PROTOCOL && method !== 'stop'",
    replace: "greeting.protocol < 0 && method !== 'stop'",
    only: 'another protocol',
  }),
  ...guardsIn('src/control/start.ts', 'test/control/lifecycle.test.ts', {
    why: "One launch's secrets serve all others",
    find: '.filter(([name]) => kept.test(name))',
    replace: '',
    only: 'belongs to one launch',
  }),
  ...guardsIn('src/control/start.ts', 'test/control/lifecycle.test.ts', {
    why: 'An agent has peers though the environment says that there are to be none',
    find: '|PEERS|SHARE)',
    replace: ')',
    only: 'gives the agent nothing that belongs to one launch',
  }),
  ...guardsIn('src/control/lifecycle.ts', 'test/control/lifecycle.test.ts', {
    why: 'Other users can talk to the agent',
    find: 'chmodSync(path, 0o600);',
    replace: 'chmodSync(path, 0o666);',
    only: 'to the user',
  }),
  ...guardsIn('src/control/lifecycle.ts', 'test/control/lifecycle.test.ts', {
    why: 'An agent in another network namespace writes the cache as well',
    find: "const readOnly = typeof writer === 'string' ? writer : undefined;",
    replace: "const readOnly = writer === '' ? writer : undefined;",
    only: 'which only reads the cache',
  }),
  ...guardsIn(
    'src/control/log.ts',
    'test/control/log.test.ts',
    {
      why: 'The log tells secrets',
      find: "redact(text).replaceAll('\\n'",
      replace: "text.replaceAll('\\n'",
      only: 'the log',
    },
    {
      why: 'A line end in a name forges a line of the log',
      find: ".replaceAll('\\n', '\\n  ')",
      replace: '',
      only: 'the log',
    },
    {
      why: 'Other users can read the log',
      find: '${continued}\\n`, { mode: 0o600 }',
      replace: '${continued}\\n`, { mode: 0o644 }',
      only: 'for the user only',
    },
    { why: 'The log tells an Authorization header', find: '\\bauthorization\\b', replace: 'no such header' },
    { why: 'The log tells a token', find: '\\b(bearer|basic)', replace: '\\b(no such|scheme)' },
    { why: 'The log tells the password in a URL', find: "[/\\/\\/[^\\s/@]*@/g, '//…@'],", replace: '' },
    { why: "The log tells npm's token", find: '_(?:authToken|auth|password)', replace: '_(?:nothing)' },
    {
      why: "The log tells a launch's credential",
      find: "[/\\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\b/gi, '…'],",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/agent/sessions.ts',
    'test/agent/sessions.test.ts',
    {
      why: 'What a private registry gives to one user is kept for all',
      find: '(each.authorization !== undefined && !isPublic)',
      replace: "each.authorization === ''",
    },
    {
      why: 'A registry that wants a client certificate is asked without',
      find: 'each.unsupported !== undefined || ',
      replace: '',
    },
    {
      why: "A private registry's packages count as public",
      find: "each.shipped || values['npm.public'].includes(each.url)",
      replace: "each.shipped || values['npm.public'].length === 0",
    },
    {
      why: 'A tool is led to us for a registry that we cannot ask',
      find: 'if (leftAlone.some(({ scope }) => scope === undefined))\n    return { session, settings, notes, askerFor, filling };',
      replace: '',
    },
    {
      why: 'Other users can read the credential',
      find: "{ mode: 0o600, flag: 'wx' }",
      replace: "{ mode: 0o644, flag: 'wx' }",
    },
  ),
  ...guardsIn(
    'src/agent/contradictions.ts',
    'test/agent/contradictions.test.ts',
    {
      why: 'A damaged file names digests that were never refused',
      find: 'Array.isArray(found) ? found.filter(isContradiction) : []',
      replace: 'Array.isArray(found) ? found : []',
    },
    {
      why: 'Refusals are remembered without a limit',
      find: '.slice(-KEPT)',
      replace: '',
    },
    {
      why: "Accepting one registry's change accepts another's",
      find: 'a.upstream === b.upstream && ',
      replace: '',
    },
  ),
  ...guardsIn(
    'src/resolve/kept-receipts.ts',
    'test/resolve/kept-receipts.test.ts',
    { why: 'Receipts are kept without a limit', find: '.slice(KEPT)', replace: '.slice(1000)' },
    {
      why: 'Other users can read what was fetched',
      find: 'JSON.stringify(receipt), { mode: 0o600 }',
      replace: 'JSON.stringify(receipt), { mode: 0o644 }',
    },
  ),
  ...guardsIn('src/resolve/reporter.ts', 'test/resolve/reporter.test.ts', {
    why: 'Other users can read what was fetched',
    find: '{ mode: 0o600, flag: APPENDING }',
    replace: '{ mode: 0o644, flag: APPENDING }',
  }),
];
