import { guardsIn } from './mutation.ts';

/** What is put into npm's own cache never comes to the proxy: it is what the proxy would deliver, and whole. */
export const fillGuards = [
  ...guardsIn(
    'src/ecosystems/npm/lockfile.ts',
    'test/ecosystems/npm/lockfile.test.ts',
    {
      why: 'A package is installed for another one that names its digest illegibly',
      find: 'for (const each of digests) doubtful.add(each);',
      replace: '',
      only: 'something illegible',
    },
    {
      why: 'A digest in another spelling hides from the look for several names',
      find: 'isPlain && digests.length === 1 ?',
      replace: 'digests.length > 0 ?',
    },
    {
      why: 'A digest with more names than can be looked up soon keeps everybody waiting',
      find: 'doubtful.has(digest) || locked.size > NAMES_LIMIT',
      replace: 'doubtful.has(digest)',
      only: 'too many names',
    },
    {
      why: 'A digest that npm reads where we do not hides a package',
      find: "if ('_integrity' in entry || (integrity !== undefined && typeof integrity !== 'string')) return undefined;",
      replace: '',
      only: 'has a lockfile pin nothing',
    },
    {
      why: 'What is followed is installed for another package of the lockfile',
      find: 'return [...packages.filter((each) => !isLocked(each)), ...locked];',
      replace: 'return packages.length > 0 ? packages : locked;',
      only: 'stands with all packages for which',
    },
    {
      why: 'More is put there than is installed',
      find: "if (dev === true && omits('dev')) return false;",
      replace: '',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/lock-entries.ts',
    'test/ecosystems/npm/lockfile.test.ts',
    {
      why: 'A lockfile of any length keeps everybody waiting',
      find: 'if (entries.length > ENTRIES_LIMIT) return undefined;',
      replace: '',
      only: 'entries than',
    },
    {
      why: 'A lockfile that is nothing but brackets keeps everybody waiting',
      find: 'isTooMuch(lockfile) ? undefined : parsed(lockfile)',
      replace: 'parsed(lockfile)',
      only: 'nothing where it has more',
    },
  ),
  ...guardsIn(
    'src/ecosystems/npm/reached.ts',
    'test/ecosystems/npm/lockfile.test.ts',
    {
      why: 'A lockfile that is all depth keeps everybody waiting',
      find: 'if ((looks += 1) > LOOKS_LIMIT) return new Set();',
      replace: 'looks += 1;',
      only: 'takes too long',
    },
    {
      why: 'What nothing depends on is fetched, though npm would never install it',
      find: 'const found = new Set<Place>([root]);',
      replace: 'const found = new Set<Place>(places.values());',
      only: 'what something depends on',
    },
  ),
  ...guardsIn(
    'src/agent/pinned.ts',
    'test/agent/fill.test.ts',
    {
      why: 'A package is installed under the name of another one that the lockfile gives the same digest',
      find: 'if (sure.length < known.length) return undefined;',
      replace: 'if (sure.length === 0) return undefined;',
    },
    {
      why: 'A scope’s registry is asked for what npm asks the default one for',
      find: "name.startsWith('@') && !isReplaced",
      replace: "name.startsWith('@')",
      only: 'where it replaces the host',
    },
    {
      why: 'What one registry gave is installed for another one',
      find: 'if (!isOwn && !isReplaced) return undefined;',
      replace: '',
    },
    {
      why: 'What lies at the address of another package is taken for this one',
      find: 'coordinates.name === name && coordinates.version === version ?',
      replace: 'coordinates ?',
    },
  ),
  ...guardsIn('src/agent/fetch-ahead.ts', 'test/agent/fill-cold.test.ts', {
    why: 'An upstream is asked for everything although it refuses everything',
    find: 'if (failures >= FAILURES) {',
    replace: 'if (failures < 0) {',
    only: 'again and again',
  }),
  ...guardsIn(
    'src/proxy/artifacts.ts',
    'test/agent/fill-cold.test.ts',
    {
      why: 'What contradicts the bytes seen before is asked for, though it will be refused',
      find: 'if (known && claimed && contradiction(known.digests, [claimed])) return undefined;',
      replace: '',
      only: 'bound to other bytes',
    },
    {
      why: 'What somebody only claims is installed without the proxy being asked',
      find: "if (word === 'claimed' || word === 'unknown' || (await found.stored) !== undefined) return undefined;",
      replace: 'if ((await found.stored) !== undefined) return undefined;',
      only: 'merely claimed',
    },
  ),
  ...guardsIn(
    'src/proxy/connections.ts',
    'test/proxy/connections.test.ts',
    {
      why: 'What nobody waits for takes all connections of a slow line',
      find: 'Math.min(way.most, most)',
      replace: 'Math.min(CONNECTIONS, most)',
      only: 'are few at first',
    },
    {
      why: 'What nobody fetches for any more goes on',
      find: "signal.addEventListener('abort', giveUpToo, { once: true });",
      replace: '',
      only: 'does not want any more',
    },
    {
      why: 'What somebody waits for waits for what nobody waits for',
      find: 'if (isFull(way)) giveUp(way);',
      replace: '',
      only: 'are all given up',
    },
    {
      why: 'An upstream that asks for less is asked for more',
      find: 'way.restsUntil = Math.max(way.restsUntil, now() + restMs);',
      replace: '',
      only: 'asked less',
    },
  ),
  ...guardsIn(
    'src/resolve/resolve.ts',
    'test/resolve/resolve.test.ts',
    {
      why: 'What nobody wants any more is fetched to its end',
      find: '      transfer.cancel();',
      replace: '',
      only: 'broken off',
    },
    {
      why: 'What npm waits for is broken off',
      find: 'if (!flight.isWanted && flight.ahead === 0) breakOff();',
      replace: 'if (flight.ahead === 0) breakOff();',
      only: 'waits for it by then',
    },
  ),
  ...guardsIn(
    'src/agent/fill.ts',
    'test/agent/fill.test.ts',
    {
      why: 'Bytes are linked that a weak digest contradicts',
      find: 'unproven.length === 0 ? chunks : verified(chunks, { digests: unproven })',
      replace: 'unproven.length === 0 ? chunks : chunks',
    },
    {
      why: 'A tool that is not led to us has its cache filled by us',
      find: '!install || !redirection ||',
      replace: '!install ||',
    },
    {
      why: 'More is written than the user allows',
      find: "content === 'beyond' || written + content.size > filling.limit",
      replace: "content === 'beyond'",
    },
  ),
  ...guardsIn('src/agent/fill.ts', 'test/agent/fill-cold.test.ts', {
    why: 'What lay in our store is linked as if it had just come',
    find: '=> came && wanted',
    replace: '=> wanted',
    only: 'is fetched where our copy is damaged',
  }),
  ...guardsIn('src/agent/fill.ts', 'test/agent/fill-cold.test.ts', {
    why: 'A tool waits for what is mostly here',
    find: 'if (++looked === MANY && missing.length * 2 < MANY) headStart?.end();',
    replace: 'if (++looked < 0) headStart?.end();',
    only: 'no later start',
  }),
  ...guardsIn(
    'src/agent/head-start.ts',
    'test/agent/head-start.test.ts',
    {
      why: 'A tool waits for longer than it is worth, where the line is slow',
      find: 'return each <= WORTH_MS && ',
      replace: 'return ',
    },
    {
      why: 'A tool waits for an upstream that sends nothing',
      find: 'return ms < FIRST_MS;',
      replace: 'return true;',
    },
    {
      why: 'A tool waits for longer than its client does, which then runs it without us',
      find: 'const longest = setTimeout(end, LONGEST_MS);',
      replace: 'const longest = undefined;',
    },
    {
      why: 'What is interrupted is held back all the same',
      find: "signal.addEventListener('abort', end, { once: true });",
      replace: '',
    },
  ),
  ...guardsIn('src/proxy/artifacts.ts', 'test/agent/fill-cold.test.ts', {
    why: 'What upstream has just sent is said to be from the cache',
    find: 'const came = isLacking ? asker.reporter.brings(about) : undefined;',
    replace: 'const came = isLacking ? (_: boolean) => void about : undefined;',
    only: 'the moment that it is stored',
  }),
  ...guardsIn(
    'src/shims/npm-content.ts',
    'test/shims/npm-content.test.ts',
    {
      why: 'npm writes through a link into our cache',
      find: '!copies && sharesDevice(content, temporaries)',
      replace: '!copies',
    },
    {
      why: 'Folders are made above npm’s cache though nobody knows how npm would make them',
      find: 'else if (umask !== undefined) makeAbove(dirname(cache));',
      replace: 'else makeAbove(dirname(cache));',
      only: 'no folder is made',
    },
    {
      why: 'A copy is seen before it is whole',
      find: "const temporary = join(temporaries, `${OURS}${randomBytes(8).toString('hex')}`);",
      replace: 'const temporary = path;\n      make(dirname(path));',
    },
    {
      why: 'A link in the content leads us to a folder that is not npm’s',
      find: 'if (obstacle) throw new Error(obstacle.text);',
      replace: '',
    },
    {
      why: 'What an agent that was killed had begun lies among npm’s files for ever',
      find: 'if (!isTidy) tidy();',
      replace: '',
    },
  ),
  ...guardsIn('src/resolve/reporter.ts', 'test/resolve/reporter.test.ts', {
    why: 'A package that was delivered is counted as one that was never asked for',
    find: "if (line.outcome === 'linked') return true;",
    replace: '',
  }),
  ...guardsIn(
    'src/ecosystems/npm/follow.ts',
    'test/ecosystems/npm/follow.test.ts',
    {
      why: 'What npm does not install is put there, for other platforms',
      find: '!allowsPlatform(manifest, terms) ||',
      replace: '',
      only: 'for this platform',
    },
    {
      why: 'A second version is put there where npm keeps the one that it has chosen',
      find: 'if (isSettled(name, each)) continue;',
      replace: '',
      only: 'not to a second version',
    },
    {
      why: 'What is installed already is counted as spared',
      find: 'installed.get(name)?.has(version) ? undefined :',
      replace: '',
      only: 'what is installed, also',
    },
    {
      why: 'What the project overrides is put there',
      find: " && manifest['overrides'] === undefined",
      replace: '',
      only: 'overrides',
    },
    {
      why: 'A digest is taken that npm reads otherwise',
      find: '/^sha512-[A-Za-z0-9+/]{86}==$/',
      replace: '/^sha512-/',
      only: 'weak or illegible',
    },
  ),
  ...guardsIn('src/ecosystems/npm/choose.ts', 'test/ecosystems/npm/follow.test.ts', {
    why: 'A document about one package has another one put there',
    find: "manifest['name'] !== name || manifest['version'] !== version",
    replace: 'false',
    only: 'another package',
  }),
  ...guardsIn(
    'src/agent/following.ts',
    'test/agent/following.test.ts',
    {
      why: 'A document of any length keeps everybody waiting',
      find: 'text && text.byteLength <= DOCUMENT_LIMIT ? text : undefined',
      replace: 'text',
      only: 'too long',
    },
    {
      why: 'Many documents that wait fill the memory',
      find: 'waiting + size <= WAITING_LIMIT ? document : undefined',
      replace: 'document',
      only: 'so many documents',
    },
  ),
  ...guardsIn('src/proxy/answer.ts', 'test/e2e/fill-unlocked.test.ts', {
    why: 'What is put there was chosen by documents of long ago',
    find: "if (from === 'upstream' || from === 'unchanged')\n    parts.onDocument",
    replace: 'parts.onDocument',
    only: 'no longer what the registry says',
  }),
];
