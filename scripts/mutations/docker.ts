import { guardsIn } from './mutation.ts';

const SOCKET = 'test/proxy/docker-socket.test.ts';
const PIECES = 'test/proxy/pieces.test.ts';
const E2E = 'test/e2e/docker.test.ts';

/** A daemon gets images from us, and everything else as it is. */
export const dockerGuards = [
  ...guardsIn(
    'src/proxy/docker-socket.ts',
    SOCKET,
    {
      why: 'Another user commands the daemon',
      find: 'chmodSync(path, 0o600);',
      replace: 'chmodSync(path, 0o666);',
      only: 'user’s alone',
    },
    {
      why: 'What follows an upgrade is taken for a request',
      find: "if (headers.has('upgrade')) return true;",
      replace: '',
      only: 'not asked of what follows an upgrade',
    },
    {
      why: 'What an SDK tells the daemon besides comes to a container as its input',
      find: "send(framing && head?.headers.has('content-length') ? await withBody(bytes, framing) : bytes);",
      replace: 'send(bytes);',
      only: 'come with its head',
    },
    {
      why: 'The body of a request that was answered is taken for the next one',
      find: 'if (!isAnswered) send(piece.subarray(0, used), done);',
      replace: 'send(piece.subarray(0, used), done);',
      only: 'is answered here for no other request',
    },
    {
      why: 'The daemon hangs up on a pull that takes long, for want of a request',
      find: "client.on('error', () => undefined);",
      replace: 'toDaemon();',
      only: 'however long that takes',
    },
  ),
  ...guardsIn(
    'src/proxy/docker-reader.ts',
    SOCKET,
    {
      why: 'A head without an end fills the memory',
      find: 'if (bytes.byteLength > HEAD_LIMIT) return bytes;',
      replace: '',
      only: 'a head that is too long',
    },
    {
      why: 'A pull goes on that nobody waits for',
      find: 'gone.abort();',
      replace: '',
      only: 'the client is gone',
    },
  ),
  ...guardsIn('src/proxy/docker-reader.ts', PIECES, {
    why: 'What a client says next stands where something waits that it has said before',
    find: 'used === bytes.byteLength && done()',
    replace: 'done()',
    only: 'still waits',
  }),
  ...guardsIn(
    'src/proxy/pieces.ts',
    PIECES,
    {
      why: 'What a slow daemon does not take fills the memory',
      find: 'from.pause();',
      replace: '',
      only: 'whoever is slower',
    },
    {
      why: 'What is not yet written is overwritten by what is read next',
      find: 'to.write(bytes, done);',
      replace: 'to.write(bytes);\n  done();',
      only: 'is what it was',
    },
  ),
  ...guardsIn('src/command/stay.ts', 'test/commands/docker-info.test.ts', {
    why: 'A unit of the user’s own is stopped, that has the name of ours',
    find: 'if (isUnitOurs(file) && (await',
    replace: 'if ((await',
    only: 'own systemd',
  }),
  ...guardsIn('src/shims/resident-unit.ts', 'test/shims/resident-unit.test.ts', {
    why: 'systemd looks for a program of another name',
    find: '[quoted(program), ...',
    replace: "[quoted(program).replaceAll('$', '$$$$'), ...",
    only: 'runs the program',
  }),
  ...guardsIn('src/shims/people.ts', 'test/shims/people.test.ts', {
    why: 'Somebody else chooses what tags mean for a daemon that is root',
    find: 'Number(id) !== uid;',
    replace: 'Number(id) !== uid && uid !== 0;',
    only: 'can log in',
  }),
  ...guardsIn(
    'src/shims/docker-led.ts',
    'test/shims/docker-led.test.ts',
    {
      why: 'What somebody else has changed in a daemon’s configuration is lost',
      find: 'if (text === after) return { text: before, directories };',
      replace: 'return { text: before, directories };',
      only: 'loses our address alone',
    },
    {
      why: 'A daemon asks its other mirrors first',
      find: '[base, ...mirrors]',
      replace: '[...mirrors, base]',
      only: 'keeps its mirrors after us',
    },
  ),
  ...guardsIn('src/command/docker-host.ts', 'test/command/docker-host.test.ts', {
    why: 'Each evaluation opens one more socket, in front of the one before it',
    find: 'if (host && host === ours && (',
    replace: 'if (host && false && (',
    only: 'once for a shell',
  }),
  ...guardsIn('src/agent/docker-spares.ts', 'test/agent/docker-spares.test.ts', {
    why: 'What is refused is pulled past us',
    find: 'refuseImages(exchange, `pyrsia: ${error instanceof Error ? error.message : String(error)}`);\n          return true;',
    replace: 'return false;',
    only: 'pull nothing past us',
  }),
  ...guardsIn('src/agent/docker-spares.ts', 'test/agent/docker-spares.test.ts', {
    why: 'What is refused is built past us by a launch that is',
    find: 'return `pyrsia: ${error instanceof Error ? error.message : String(error)}`;',
    replace: 'return undefined;',
    only: 'pull nothing past us',
  }),
  ...guardsIn(
    'src/proxy/docker-sweep.ts',
    'test/proxy/docker-sweep.test.ts',
    {
      why: 'Names of running launches are taken away, whose pulls fail',
      find: ' && !(await isRunning(launch))',
      replace: '',
      only: 'no others',
    },
    {
      why: 'Names of other agents, and those that users have given, are taken away',
      find: '.filter((each) => each.startsWith(`${host}/`))',
      replace: '',
      only: 'no others',
    },
  ),
  ...guardsIn('src/shims/shim-leads.ts', 'test/shims/shim-script-socket.test.ts', {
    why: 'Two launches take one socket',
    find: '    set -C\n',
    replace: '',
    only: 'that is nobody’s yet',
  }),
  ...guardsIn('src/proxy/http-head.ts', 'test/proxy/http-head.test.ts', {
    why: 'A chunk of less than nothing is read for ever',
    find: '([0-9a-f]{1,12})',
    replace: '(-?[0-9a-f]{1,12})',
    only: 'has no size',
  }),
  ...guardsIn('src/proxy/docker-images.ts', 'test/proxy/docker-images.test.ts', {
    why: 'All tags of an image are fetched past us where nobody may be asked',
    find: 'if (!asked && parts.strict !== undefined) {',
    replace: 'if (false) {',
    only: 'must not fetch past us',
  }),
  ...guardsIn(
    'src/agent/docker-builds.ts',
    'test/agent/docker-builds.test.ts',
    {
      why: 'A builder fetches past us what nobody can tell beforehand, where nobody but us may be asked',
      find: 'if (images.strict !== undefined) return `what',
      replace: 'if (false) return `what',
      only: 'might fetch past us',
    },
    {
      why: 'A builder that pulls asks registries where nobody but us may be asked',
      find: 'if (bases.pull && images.strict !== undefined)',
      replace: 'if (false)',
      only: 'might fetch past us',
    },
    {
      why: 'A build begins without its base, which its builder fetches past us',
      find: 'if (!(await isThere(asked)))',
      replace: 'if (false)',
      only: 'and not without',
    },
    {
      why: 'What the daemon has for another machine counts as there, and its builder fetches the right one past us',
      find: 'choose([{ platform }], wanted) !== undefined',
      replace: 'true',
      only: 'for another machine',
    },
  ),
  ...guardsIn('src/agent/docker-builds.ts', E2E, {
    why: 'What is refused is built past us',
    find: 'return whyRefused(images, why);',
    replace: 'return undefined;',
    only: 'builds nothing past us',
  }),
  ...guardsIn('src/proxy/docker-socket.ts', SOCKET, {
    why: 'A request that must not go on comes to the daemon',
    find: 'if (refused !== undefined) {',
    replace: 'if (false) {',
    only: 'must not go on',
  }),
  ...guardsIn('src/proxy/docker-socket.ts', SOCKET, {
    why: 'A client whose build was refused waits for its session',
    find: 'for (const session of sessions) session.destroy();',
    replace: '',
    only: 'ends the session',
  }),
  ...guardsIn('src/ecosystems/oci/dockerfile.ts', 'test/ecosystems/oci/dockerfile.test.ts', {
    why: 'A Dockerfile of a few lines fills the memory',
    find: 'isKnown && all.length <= NAME_LIMIT &&',
    replace: 'isKnown &&',
    only: 'memory is full',
  }),
  ...guardsIn('src/shims/docker-bases.ts', 'test/shims/docker-bases.test.ts', {
    why: 'A Dockerfile that comes through a pipe is taken from docker',
    find: 'if (!(await stat(path)).isFile()) return undefined;',
    replace: '',
    only: 'from a pipe',
  }),
  ...guardsIn(
    'src/proxy/docker-pull.ts',
    'test/proxy/docker-pull.test.ts',
    {
      why: 'A name of ours stays in the daemon',
      find: 'await engine.untag(version, withVersion(ours, image)).catch(() => undefined);',
      replace: '',
      only: 'no name of ours',
    },
    {
      why: 'A daemon waits for us for most of a minute before it asks the registry',
      find: "if (!pull.patient && status.startsWith('Retrying in ')) {",
      replace: 'if (false) {',
      only: 'asks us again',
    },
    {
      why: 'A pull has succeeded before the image has its name',
      find: "if (held.length > 0 || status.startsWith('Status: ')) held.push(shown);",
      replace:
        "if (status.startsWith('Status: ')) held.push('');\n    if (held.length > 0) progress.line(shown);",
      only: 'which is no success',
    },
  ),
  ...guardsIn(
    'src/proxy/docker-naming.ts',
    'test/proxy/docker-naming.test.ts',
    {
      why: 'A daemon fetches layers past us, to learn a digest',
      find: '!found?.layers.every((layer) => here.has(hexOf(layer).slice(0, ID_LENGTH)))',
      replace: '!found',
      only: 'all layers are here',
    },
    {
      why: 'A daemon asks a registry that nobody may ask',
      find: 'return mayAsk() && (await name(digest));',
      replace: 'return await name(digest);',
      only: 'may not be asked',
    },
    {
      why: 'The daemon’s registry is asked each time',
      find: 'if ((await idBy(digest)) === id && id !== undefined) return true;',
      replace: '',
      only: 'has by that digest already',
    },
    {
      why: 'A registry that does not answer the daemon holds up a pull for ever',
      find: 'setTimeout(() => over.abort(), NAMING_TIMEOUT_MS)',
      replace: 'setTimeout(() => undefined, NAMING_TIMEOUT_MS)',
      only: 'does not answer',
    },
  ),
  ...guardsIn(
    'src/proxy/docker-images.ts',
    E2E,
    {
      why: 'The daemon is sent past us where nobody may be asked',
      find: 'if (parts.strict !== undefined) {',
      replace: 'if (false) {',
      only: 'works while the registry is down',
    },
    {
      why: 'A credential that was handed over is not used',
      find: 'if (credential) parts.lend(asked.image.registry, credential);',
      replace: '',
      only: 'shows the registry what docker shows it',
    },
  ),
  ...guardsIn('src/agent/docker-builds.ts', E2E, {
    why: 'A base that only its user may have is no more known by its digest',
    find: '...(auth !== undefined && { auth })',
    replace: '',
    only: 'shows the registry what docker shows it',
  }),
  ...guardsIn('src/shims/dockerd.ts', 'test/shims/dockerd.test.ts', {
    why: 'Anybody’s process says which file is the daemon’s',
    find: '&& [0, uid].includes(userOf(name))',
    replace: '&& userOf(name) !== -1',
    only: 'neither root nor',
  }),
  ...guardsIn(
    'src/command/lead-docker.ts',
    'test/commands/docker-info.test.ts',
    {
      why: 'A daemon that cannot reach us is led to whoever answers at our port where it runs',
      find: "if (has('SecurityOptions', 'name=rootless') || has('OperatingSystem', 'Docker Desktop'))",
      replace: 'if (false)',
      only: 'rootless',
    },
    {
      why: 'One daemon’s file is changed for another one',
      find: 'if (configFile === undefined && all.length !== 1)',
      replace: 'if (configFile === undefined && all.length === 0)',
      only: 'several name',
    },
    {
      why: 'A daemon does not start any more, whose mirrors stand in two places',
      find: 'if (found?.namesMirrors)',
      replace: 'if (false)',
      only: 'mirrors of its own',
    },
    {
      why: 'Somebody’s own hosts.toml is lost',
      find: 'if (untested && before !== undefined)',
      replace: 'if (false)',
      only: 'hosts.toml of somebody',
    },
  ),
  ...guardsIn('src/shims/docker-led.ts', 'test/commands/docker-info.test.ts', {
    why: 'What somebody has written into a hosts.toml since is lost',
    find: "if (text !== after && file.endsWith('.toml')) return { text };",
    replace: "if (file.endsWith('.toml')) return { text: before, directories };",
    only: 'hosts.toml of somebody',
  }),
  ...guardsIn('src/command/lead-docker.ts', 'test/command/lead-docker.test.ts', {
    why: 'What a file is called is run by root',
    find: '? `sudo rm ${word(file)}`',
    replace: '? `sudo rm ${file}`',
  }),
];
