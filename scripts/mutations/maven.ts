import { guardsIn } from './mutation.ts';

const GATE = 'test/proxy/maven-gate.test.ts';
const WORDS = 'test/proxy/maven-words.test.ts';
const PROOF = 'test/proxy/own-proof.test.ts';
const SETTINGS = 'test/ecosystems/maven/settings.test.ts';

/** What repositories of Maven's declare, what is believed of it, and who is led where. */
export const mavenGuards = [
  ...guardsIn(
    'src/proxy/fetching.ts',
    GATE,
    {
      why: 'What a file beside an artifact declares is not held against it',
      find: 'const weighed = begun.declared.length === 0 ? unbound',
      replace: 'const weighed = true || begun.declared.length === 0 ? unbound',
      only: 'flipped byte|wrong checksum',
    },
    {
      why: 'What upstream sends need not be what it declares, if that is here',
      find: 'const fresh = begun !== undefined;',
      replace: 'const fresh = false;',
      only: 'upstream says in',
    },
    {
      why: 'Upstream is asked time and again for what it has not',
      find: 'if (absences.has(asker, path)) return undefined;',
      replace: '',
      only: 'artifact.*that upstream does not have',
    },
  ),
  ...guardsIn(
    'src/proxy/declared.ts',
    WORDS,
    {
      why: 'A checksum that cannot be had counts as one that is not there',
      find: 'if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {',
      replace: 'if (reply.status === 408) {',
      only: 'answers 500',
    },
    {
      why: 'A strong digest that a tool has asked for does not hold',
      find: 'for (const address of others) {\n    const document',
      replace: 'for (const address of [] as typeof others) {\n    const document',
      only: 'wrong before',
    },
    {
      why: 'A repository without checksums is asked for all kinds of them each time',
      find: 'if (found.length === 0 && lacks.has(asker, ANYWHERE)) return found;',
      replace: '',
      only: 'time and again',
    },
  ),
  ...guardsIn('src/proxy/artifacts.ts', WORDS, {
    why: 'A strong digest is passed on that contradicts the bytes seen',
    find: "if (changed) await refuse(asker, asked, { kind: 'contradicted', by, against, ...changed });",
    replace: '',
    only: 'against bytes that were seen',
  }),
  ...guardsIn('src/proxy/settling.ts', WORDS, {
    why: 'A snapshot stays what it was at first, whatever was given since',
    find: '{ changes },',
    replace: '{},',
    only: 'another one each time',
  }),
  ...guardsIn('src/shims/maven-deep.ts', 'test/shims/maven-settings.test.ts', {
    why: 'What goes past us because a dependency names it is told of whatever leads or blocks it',
    find: '!ids.has(each.id) && !mirrorOf(each, mirrors)',
    replace: 'each.id !== ""',
    only: 'only poms of dependencies name',
  }),
  ...guardsIn('src/ecosystems/maven/closure.ts', 'test/ecosystems/maven/closure.test.ts', {
    why: 'What a pom of ours names is read as something else',
    find: '${escaped(text)}',
    replace: '${text}',
    only: 'names it, and the repositories',
  }),
  ...guardsIn('src/proxy/absences.ts', GATE, {
    why: 'What was absent once is absent for ever',
    find: 'now() < at + absent.forMs',
    replace: 'now() < Infinity',
    only: 'artifact.*that upstream does not have',
  }),
  ...guardsIn('src/proxy/begun.ts', GATE, {
    why: 'A login page is delivered as a jar',
    find: 'if (registry.isForeign?.(coordinates, start))',
    replace: 'if (false)',
    only: 'web page in its place',
  }),
  ...guardsIn('src/proxy/documents.ts', GATE, {
    why: 'Metadata has any size',
    find: 'const limit = asker.upstream.ecosystem.registry.documentLimit ?? DOCUMENT_LIMIT;',
    replace: 'const limit = DOCUMENT_LIMIT;',
    only: '50 MB',
  }),
  ...guardsIn('src/ecosystems/maven/names.ts', 'test/ecosystems/maven/names.test.ts', {
    why: 'Two paths of a repository are one artifact',
    find: "if (group.some((each) => each.includes('.'))) return undefined;",
    replace: '',
  }),
  ...guardsIn(
    'src/ecosystems/maven/names.ts',
    'test/ecosystems/maven/maven.test.ts',
    {
      why: 'A path climbs out of a repository',
      find: "if (segments.some((segment) => segment === '' || /^\\.{1,2}$/.test(segment)))",
      replace: 'if (false)',
    },
    {
      why: 'A segment hides a slash',
      find: 'if (odd !== undefined) return',
      replace: 'if (false) return',
    },
  ),
  ...guardsIn(
    'src/ecosystems/maven/settings.ts',
    SETTINGS,
    {
      why: 'A user’s proxy is asked for our own address',
      find: 'for (const proxy of unproxied.length === 0 ? [] : activeProxies(root))',
      replace: 'for (const proxy of unproxied.length >= 0 ? [] : activeProxies(root))',
    },
    {
      why: 'What is led to us is led to us again',
      find: 'isOurs: text.includes(MARK),',
      replace: 'isOurs: false,',
    },
  ),
  ...guardsIn('src/ecosystems/maven/snapshots.ts', 'test/ecosystems/maven/snapshots.test.ts', {
    why: 'A snapshot’s metadata names another version, or a way out of its folder',
    find: 'version === snapshot || isBuildOf(snapshot, version) ? version : undefined',
    replace: 'version',
    only: 'is not',
  }),
  ...guardsIn('src/ecosystems/maven/xml.ts', GATE, {
    why: 'Elements may stand in one another without end',
    find: 'if (open.length >= DEPTH_LIMIT)',
    replace: 'if (false)',
    only: 'elements deep',
  }),
  ...guardsIn(
    'src/shims/maven-settings.ts',
    'test/shims/maven-settings.test.ts',
    {
      why: 'What Maven blocks is fetched through us',
      find: 'if (mirror?.blocked) continue;',
      replace: '',
    },
    {
      why: 'A repository with credentials in its address is asked without them',
      find: "url.username !== ''",
      replace: 'false',
    },
    {
      why: 'A repository is not asked as whom settings say',
      find: '...(server && {',
      replace: '...(false && {',
      only: 'as whom',
    },
    {
      why: 'What somebody calls central is public',
      find: "shipped: id === 'central' && first === central,",
      replace: "shipped: id === 'central',",
    },
    {
      why: 'One id stands for the repository of another pom',
      find: 'const isOne = urls.size === 1 &&',
      replace: 'const isOne =',
    },
  ),
  ...guardsIn(
    'src/agent/sessions.ts',
    'test/agent/sessions.test.ts',
    {
      why: 'What needs credentials is looked up in a log and submitted to it',
      find: '!provesAnything(each.proof) &&',
      replace: '',
      only: 'proves who its user is',
    },
    {
      why: 'What is asked for by hand is asked for without the credentials that it needs',
      find: 'if (each.proof && (caller.tool === undefined || !tellsOwners())) continue;',
      replace: '',
      only: 'proves who its user is',
    },
  ),
  ...guardsIn('src/ecosystems/maven/settings.ts', SETTINGS, {
    why: 'A credential of ours takes the place of what a user says of a repository',
    find: '.filter((id) => !told.has(id))',
    replace: '',
    only: 'shows us no credential',
  }),
  ...guardsIn(
    'src/proxy/own-proof.ts',
    PROOF,
    {
      why: 'What one user has of a repository is given to another',
      find: 'nameIn(password) ?? proof.headers',
      replace: 'proof.headers',
      only: 'another one for each user',
    },
    {
      why: 'What needed credentials counts as public',
      find: 'name: url.href, public: false',
      replace: 'name: upstream.name, public: upstream.public',
      only: 'another one for each user',
    },
    {
      why: 'A password is shown to who does not ask for it',
      find: 'if (!refusing.has(url.href)) {',
      replace: 'if (false) {',
      only: 'can do without',
    },
    {
      why: 'A repository is asked before its user is known, and what is cached is not found',
      find: 'if (proof.byPassword && !isOwn && password === undefined) return undefined;',
      replace: '',
      only: 'once the client has shown',
    },
  ),
  ...guardsIn('src/proxy/gate.ts', PROOF, {
    why: 'A name opens the gate of any registry',
    find: 'admitted instanceof PyrsiaError || admitted?.proof ? admitted : undefined',
    replace: 'admitted',
    only: 'and nowhere else',
  }),
  ...guardsIn('src/proxy/upstream.ts', PROOF, {
    why: 'What is for one origin follows a redirect',
    find: "'cookie', ...Object.keys(asked.own ?? {})",
    replace: "'cookie'",
    only: 'its header shown there',
  }),
  ...guardsIn(
    'src/proxy/fetching.ts',
    GATE,
    {
      why: 'A checksum is asked for only once the artifact is on its way, wherever that is',
      find: 'if (isNeeded) prompt.add(name);',
      replace: 'if (false) prompt.add(name);',
      only: 'asked for at once',
    },
    {
      why: 'What an upstream has not costs two requests each time',
      find: 'else prompt.delete(name);',
      replace: '',
      only: 'asked for alone',
    },
  ),
  ...guardsIn(
    'src/agent/fill-local.ts',
    'test/agent/fill-local.test.ts',
    {
      why: 'A file that two repositories have given is put there for one of them',
      find: 'files.filter((each) => each.file === file).length === 1',
      replace: 'file.length > 0',
    },
    {
      why: 'An artifact is written down as from the repository of another id',
      find: 'id === undefined || others.length > 0 ||',
      replace: 'id === undefined ||',
    },
    {
      why: 'What one user has by a password is put there for another',
      find: 'if (asker.proof || id === undefined',
      replace: 'if (id === undefined',
    },
    {
      why: 'A version is touched that is there',
      find: 'if (local.has(directory)) versions.delete(directory);',
      replace: 'continue;',
    },
    {
      why: 'What the user switched off is filled all the same',
      find: "filling.local !== 'copy' ||",
      replace: '',
    },
    {
      why: 'A damaged file ends the whole fill',
      find: 'if (!(error instanceof PyrsiaError)) throw error;',
      replace: 'throw error;',
    },
    {
      why: 'Files appear for a launch that has ended',
      find: 'if (signal.aborted) return;',
      replace: '',
    },
  ),
  ...guardsIn(
    'src/shims/local-repository.ts',
    'test/shims/local-repository.test.ts',
    {
      why: 'A link in the local repository leads us out of it',
      find: 'if (found && !found.isDirectory()) return false;',
      replace: '',
    },
    {
      why: "Somebody else's local repository is written",
      find: 'if (obstacleAt(root, lookAt(root))) return undefined;',
      replace: '',
    },
    {
      why: 'What a killed agent has left stays for good',
      find: 'Date.now() - found.mtimeMs > STALE_MS',
      replace: 'false',
    },
    {
      why: 'What another agent works in is removed',
      find: 'found?.isDirectory() && Date.now() - found.mtimeMs > STALE_MS',
      replace: 'found?.isDirectory()',
    },
    {
      why: 'A version that could not be made whole stays in the way',
      find: 'rmSync(own, { recursive: true, force: true });',
      replace: 'renameSync(own, target);',
    },
  ),
  ...guardsIn(
    'src/ecosystems/maven/local-repository.ts',
    'test/ecosystems/maven/local-repository.test.ts',
    {
      why: 'A snapshot is put there without what tells of it',
      find: 'isChanging(coordinates) || BUILD.test(version) ||',
      replace: '',
    },
    {
      why: 'A name that is none of an artifact becomes a path',
      find: 'return isOne && PLAIN.test(file)',
      replace: 'return PLAIN.test(file)',
    },
  ),
  ...guardsIn(
    'src/shims/maven-local.ts',
    'test/shims/maven-local.test.ts',
    {
      why: 'A local repository of several parts is filled as if it were one',
      find: '.some((text) => OWN_WAY.test(text)))',
      replace: '.some(() => false))',
    },
    {
      why: 'A local repository is filled that mvn may not use',
      find: 'if (named.size > 1) return undefined;',
      replace: '',
    },
    {
      why: 'What the start script of mvn reads may name another one',
      find: 'if (texts.some((text) => MENTIONED.test(text)) || /user\\.home/.test(jvm)) return undefined;',
      replace: '',
    },
  ),
  ...guardsIn('src/shims/maven-wrapper.ts', 'test/shims/maven-wrapper.test.ts', {
    why: 'mvnw runs another Maven than the project says',
    find: 'if (actual !== sha256.toLowerCase())',
    replace: 'if (false)',
  }),
  ...guardsIn('src/ecosystems/maven/gradle.ts', 'test/ecosystems/maven/gradle.test.ts', {
    why: 'What stands in an address runs in a build',
    find: "text.replaceAll(/[\\\\']/g, String.raw`\\$&`)",
    replace: 'text',
  }),
  ...guardsIn('src/shims/maven-settings.ts', 'test/shims/maven-settings.test.ts', {
    why: 'What mvnw runs is had from whoever has something of that name',
    find: 'const distribution = from && upstreams.find(({ scope }) => scope === from.id)?.url;',
    replace: 'const distribution = from && upstreams[0]?.url;',
    only: 'own mvnw',
  }),
];
