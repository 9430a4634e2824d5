import { guardsIn } from './mutation.ts';

const GATE = 'test/proxy/image-gate.test.ts';
const REFERRERS = 'test/commands/pull-referrers.test.ts';
const LIES = 'test/commands/pull-image-lies.test.ts';

/** What is asked of image registries, as whom, and what is believed of their answers. */
export const imageGuards = [
  ...guardsIn('src/proxy/registry-word.ts', GATE, {
    why: 'Content that is here is served under any name',
    find: 'if (await isThere(asker.ask ?? upstreams.ask, asker, asked))',
    replace: 'if (asker)',
    only: 'does not serve what is private',
  }),
  ...guardsIn('src/proxy/declared.ts', GATE, {
    why: 'Offline, content that is here is served under any name',
    find: 'if (offline !== undefined) return false;',
    replace: 'if (offline !== undefined) return true;',
    only: 'does not serve what is private',
  }),
  ...guardsIn(
    'src/agent/image-sessions.ts',
    GATE,
    {
      why: 'What a credential brought is everybody’s',
      find: 'url.hash = hexOf(',
      replace: 'void hexOf(',
      only: 'where a token is wanted',
    },
    {
      why: 'Who has two passwords is asked for with the first of them everywhere',
      find: 'JSON.stringify([url.href, insecure, credential])',
      replace: 'JSON.stringify([url.href, insecure])',
      only: 'whatever its user is called',
    },
    {
      why: 'What a credential brought is public',
      find: 'host === endpointOf(DEFAULT_REGISTRY) && !credential',
      replace: 'true',
      only: 'own credential for what is theirs',
    },
  ),
  ...guardsIn('src/ecosystems/oci/refuse.ts', 'test/ecosystems/oci/refuse.test.ts', {
    why: 'A registry steers the terminal of whoever pulls',
    find: 'message: harmless(`pyrsia: ${message}`)',
    replace: 'message: `pyrsia: ${message}`',
  }),
  ...guardsIn(
    'src/proxy/image-tags.ts',
    GATE,
    {
      why: 'A tag is served from the cache without asking',
      find: "if (cached?.headers['docker-content-digest'] === named)",
      replace: 'if (cached)',
      only: 'means now',
    },
    {
      why: 'A manifest that is unchanged is fetched again',
      find: "if (cached?.headers['docker-content-digest'] === named)",
      replace: 'if (false)',
      only: 'asks of a tag once',
    },
  ),
  ...guardsIn(
    'src/proxy/image-gate.ts',
    GATE,
    {
      why: 'A web page may ask',
      find: 'if (turnedAway) return',
      replace: 'if (false) return',
      only: 'says that it is one',
    },
    {
      why: 'An engine asks again as soon as it likes',
      find: 'return after === undefined ? told',
      replace: 'return told.status === 429 ? told',
      only: 'and for how long',
    },
    {
      why: 'A list goes on past us',
      find: '`<${root}/${rest',
      replace: '`</v2/${rest',
      only: 'page by page',
    },
  ),
  ...guardsIn(
    'src/proxy/registry-tokens.ts',
    'test/proxy/registry-client.test.ts',
    {
      why: 'A credential is shown to anybody whom the registry names',
      find: 'if (credential && !(await maySee(realm, registry))) {',
      replace: 'if (credential && realm.hash) {',
    },
    {
      why: 'Neighbours on a shared domain see each other’s credentials',
      find: 'allowPrivateDomains: true',
      replace: 'allowPrivateDomains: false',
    },
    {
      why: 'A token has no end',
      find: "if (size > TOKEN_LIMIT) throw failed('the token has no end');",
      replace: '',
    },
    {
      why: 'A token breaks a header',
      find: '&& /^[\\x21-\\x7e]+$/.test(each)',
      replace: '',
    },
  ),
  ...guardsIn('src/proxy/registry-client.ts', 'test/proxy/registry-client.test.ts', {
    why: 'Every registry may have any certificate',
    find: 'const connection = insecure ?',
    replace: 'const connection = true ?',
  }),
  ...guardsIn('src/shims/registry-credentials.ts', 'test/shims/registry-credentials.test.ts', {
    why: 'A credential of a namespace is not preferred',
    find: 'return [...namespaces, registry,',
    replace: 'return [registry, ...namespaces,',
  }),
  ...guardsIn(
    'src/ecosystems/oci/registries.ts',
    'test/shims/registries-conf.test.ts',
    {
      why: 'What is blocked is asked for',
      find: "if (rule.blocked) return 'blocked';",
      replace: '',
    },
    {
      why: 'A prefix ends in the middle of a name',
      find: 'name.startsWith(`${prefix}/`)',
      replace: 'name.startsWith(prefix)',
    },
  ),
  ...guardsIn(
    'src/ecosystems/oci/manifest.ts',
    'test/ecosystems/oci/manifest.test.ts',
    {
      why: 'An image has any number of layers',
      find: 'if (value.length > ENTRIES_LIMIT)',
      replace: 'if (false)',
    },
    {
      why: 'A manifest may be read in two ways',
      find: "if ('manifests' in json && ('layers' in json || 'config' in json))",
      replace: 'if (false)',
    },
  ),
  ...guardsIn('src/agent/pull-image.ts', 'test/commands/pull-image.test.ts', {
    why: 'A layer is not what the configuration says',
    find: 'if (diffId !== undefined && isOwn(layer)) proven',
    replace: 'if (diffId === layer.digest && isOwn(layer)) proven',
    only: 'unpacked$',
  }),
  ...guardsIn('src/agent/pull-image-blobs.ts', 'test/commands/pull-image.test.ts', {
    why: 'A manifest lies about sizes',
    find: 'if (actual !== size) throw',
    replace: 'if (actual > size * 1e9) throw',
    only: 'lies about its size',
  }),
  ...guardsIn('src/proxy/dispatchers.ts', 'test/shims/registry-certificates.test.ts', {
    why: 'Whoever a registry sends us on to sees the user’s certificate',
    find: 'if (!identity || identity.host === host) return connection;',
    replace: 'if (identity?.host !== host || true) return connection;',
  }),
  ...guardsIn(
    'src/agent/pull-image-blobs.ts',
    LIES,
    {
      why: 'A small layer unpacks to anything',
      find: 'if (come > limit) throw',
      replace: 'if (come > limit * 1e9) throw',
      only: 'a thousand times as large .zstd',
    },
    {
      why: 'Who stops half-way is not replaced by the next place',
      find: 'if (others <= 0 || each) throw error;',
      replace: 'if (others <= 0 || each || true) throw error;',
      only: 'is cut at the first',
    },
  ),
  ...guardsIn(
    'src/agent/pull-image-manifests.ts',
    LIES,
    {
      why: 'Lists of lists of the same are read again and again',
      find: '!seen.has(digest) && seen.add(digest)',
      replace: 'seen.add(digest)',
      only: 'lists of lists',
    },
    {
      why: 'Lists of lists name any number of manifests',
      find: 'if (seen.size > ENTRIES_LIMIT + 1) {',
      replace: 'if (seen.size < 0) {',
      only: 'lists of lists',
    },
  ),
  ...guardsIn(
    'src/proxy/image-content.ts',
    LIES,
    {
      why: 'Who has lied is asked first again',
      find: 'failing.add(place.asker.upstream.url.origin, digest);',
      replace: '',
      only: 'wrong in its last byte',
    },
    {
      why: 'Content may be longer than its manifest says, at the first place',
      find: 'if (delivery?.size !== undefined && size !== undefined && delivery.size !== size) {',
      replace: 'if (delivery?.size === -1) {',
      only: 'is too long at the first',
    },
  ),
  ...guardsIn(
    'src/resolve/resolve.ts',
    'test/resolve/resolve.test.ts',
    {
      why: 'Whoever comes while a transfer is broken off fails with it',
      find: 'while (transfer.isBrokenOff) {',
      replace: 'while (false) {',
      only: 'while it is being broken off',
    },
    {
      why: 'Whoever comes after others have left waits for what they have waited for',
      find: 'flight.waiting === 0 && flight.ahead === 0 && transfer.isSilent',
      replace: 'false',
      only: 'silent about',
    },
  ),
  ...guardsIn(
    'src/ecosystems/oci/tools.ts',
    'test/ecosystems/oci/oci.test.ts',
    {
      why: 'What a user pushes goes through us',
      find: 'if (aside.includes(arg)) return',
      replace: 'if (false) return',
      only: 'stays out of the way',
    },
    {
      why: 'ctr is led although its user says how to ask',
      find: 'return theirs && `',
      replace: 'return theirs && undefined && `',
      only: 'stays out of the way',
    },
  ),
  ...guardsIn('src/ecosystems/oci/names.ts', 'test/ecosystems/oci/docker-api.test.ts', {
    why: 'An image of one registry is that of another, whose namespace is called so',
    find: 'split(`${text}/x`).domain !== undefined',
    replace: 'true',
    only: 'capital letter',
  }),
  ...guardsIn('src/shims/hosts-toml.ts', 'test/shims/hosts-toml.test.ts', {
    why: 'What we refuse is had past us',
    find: '(instead ? {',
    replace: '(false ? {',
    only: 'in the place of',
  }),
  ...guardsIn('src/command/half-written.ts', 'test/e2e/images-interrupted.test.ts', {
    why: 'Ctrl-C leaves half an image where one was to be',
    find: 'rmSync(path, { recursive: true, force: true });',
    replace: 'void rmSync;',
    only: 'SIGINT while it is written',
  }),
  ...guardsIn('src/command/lookup.ts', 'test/commands/cached-images.test.ts', {
    why: 'To remove an image takes layers from others',
    find: '.filter(({ digest }) => !needed.has(digest))',
    replace: '',
    only: 'without what others need',
  }),
  ...guardsIn('src/agent/pull-referrers.ts', REFERRERS, {
    why: 'A list passes off anything as an image’s signature',
    find: '(isListed && parsed.subject !== subject)',
    replace: 'false',
    only: 'says that it is about the image',
  }),
  ...guardsIn('src/agent/named-referrers.ts', REFERRERS, {
    why: 'A registry is asked for signatures with every pull',
    find: 'if (known) return',
    replace: 'if (false) return',
    only: 'is not asked for again',
  }),
  ...guardsIn('src/command/load-image.ts', 'test/commands/pull-image.test.ts', {
    why: 'The engine has another image than the one that was proven',
    find: '!(await hasProven({ path, env }, image, pulled))',
    replace: 'false',
    only: 'whatever its tag means by then',
  }),
  ...guardsIn(
    'src/shims/mirrored.ts',
    'test/shims/mirrored.test.ts',
    {
      why: 'Offline, a registry is asked of which only a pattern knows',
      find: '...rule, blocked: true',
      replace: '...rule',
      only: 'only a pattern is about',
    },
    {
      why: 'Offline, a build asks a registry that its file only mentions',
      find: '[...args, ...given, ...texts].flatMap(hostsIn)',
      replace: '[""].flatMap(hostsIn)',
      only: 'what arguments stand for',
    },
  ),
  ...guardsIn('src/ecosystems/oci/tools.ts', 'test/ecosystems/oci/oci.test.ts', {
    why: 'An engine is led although its user says as whom to ask',
    find: 'const ENGINES_OWN = /^--(?:cert-dir|creds|',
    replace: 'const ENGINES_OWN = /^--(?:',
    only: 'stays out of the way',
  }),
  ...guardsIn('src/shims/registry-credentials.ts', 'test/shims/registry-credentials.test.ts', {
    why: 'A login is shown that the call’s own file does not have',
    find: 'context.file === undefined ? filesOf(context.env) : [context.file]',
    replace: 'filesOf(context.env)',
    only: 'the one file that a call names',
  }),
  ...guardsIn('src/agent/pull-image-manifests.ts', 'test/commands/pull-image.test.ts', {
    why: 'An index lies about sizes',
    find: 'checkSize(entry, manifest.body.byteLength, what);',
    replace: '',
    only: 'entry of its index',
  }),
  ...guardsIn('src/ecosystems/oci/short-names.ts', 'test/ecosystems/oci/short-names.test.ts', {
    why: 'A short name is guessed that its user does not let anybody guess',
    find: "rules.shortNameMode === 'enforcing'",
    replace: 'false',
    only: 'not guessed',
  }),
  ...guardsIn('src/agent/pull-first-image.ts', 'test/commands/pull-image.test.ts', {
    why: 'An image that lies is replaced by another registry’s of that name',
    find: "outcomeOf(error) === 'refused' && ",
    replace: 'false && ',
    only: 'takes short names',
  }),
];
