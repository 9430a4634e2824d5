/**
 * The agent: composition root of the process that does the fetching for every command of one user. Here it
 * is decided which implementation serves which interface.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAccounts } from './agent/accounts.ts';
import { openContradictions } from './agent/contradictions.ts';
import { daemonOf, planDocker } from './agent/docker-launch.ts';
import { openDockerSpares } from './agent/docker-spares.ts';
import { openDeep } from './agent/deep.ts';
import { fill } from './agent/fill.ts';
import { openFollowings } from './agent/following.ts';
import { openHeadStart } from './agent/head-start.ts';
import { openNews } from './agent/news.ts';
import { findPastUs, notingPastUs } from './agent/past-us.ts';
import { openGates } from './agent/gates.ts';
import { type ImageSessionParts, openImageSession, planImages } from './agent/image-sessions.ts';
import { pullImage } from './agent/pull-image.ts';
import { pullFromFirst } from './agent/pull.ts';
import { openQuickAnswers } from './agent/quick-answers.ts';
import { openSettingsReaders } from './agent/read-settings.ts';
import { openReception } from './agent/reception.ts';
import { type Caller, openSession, type Plan, plan, type SessionParts } from './agent/sessions.ts';
import { openWalkIns } from './agent/walk-ins.ts';
import { openCache } from './cache/open-cache.ts';
import { parseDigest } from './content/digest.ts';
import { readConfig } from './config/read-config.ts';
import { type AgentContext, runAgent, type Service } from './control/lifecycle.ts';
import { keptPorts } from './control/ports.ts';
import { ecosystems, parseReference } from './ecosystems/index.ts';
import { docker } from './ecosystems/oci/docker.ts';
import { oci } from './ecosystems/oci/oci.ts';
import { parsePlatform, platformOf } from './ecosystems/oci/platform.ts';
import { imageOf } from './ecosystems/oci/reference.ts';
import { hasQuickWay, tools } from './ecosystems/tools.ts';
import { PyrsiaError } from './errors.ts';
import { pathsOf } from './paths.ts';
import { openArtifacts } from './proxy/artifacts.ts';
import { openDocuments } from './proxy/documents.ts';
import { openSweeps } from './proxy/docker-sweep.ts';
import type { ImageAsker } from './proxy/image-asker.ts';
import { openImageGate } from './proxy/image-gate.ts';
import { httpTiles } from './proxy/http-tiles.ts';
import { openImages } from './proxy/images.ts';
import { openRegistryClient } from './proxy/registry-client.ts';
import { openUpstreams } from './proxy/upstream.ts';
import { openResolver } from './resolve/resolve.ts';
import { readDockerLed } from './shims/docker-led.ts';
import { proxiesIn } from './shims/proxies.ts';
import { openOwnLogWord } from './trust/own-log-word.ts';
import { companionFile, relevantOf } from './shims/launch.ts';
import { importNpmConfig } from './shims/npm-config.ts';
import { umaskOf } from './shims/process-environment.ts';

const paths = pathsOf(process.env);
const config = readConfig(paths, process.env, '/').values;
const [, , directory] = process.argv;

void runAgent({
  paths,
  version: versionOf(join(import.meta.dirname, '..', 'package.json')),
  idleMs: config['agent.idle'],
  stays: isDockerLed,
  serve,
  ...(directory === undefined ? {} : { directory }),
}).then(() => process.exit());

/** Whether a daemon counts on us at any time. */
function isDockerLed(): boolean {
  return readDockerLed(paths.state) !== undefined;
}

async function serve(context: AgentContext): Promise<Service> {
  const { log } = context;
  const startedAt = Date.now();
  const limit = config['cache.limit'];
  const cache = await openCache(paths.cache, {
    readOnly: context.readOnly ?? false,
    ...(limit === 'auto' ? {} : { limit }),
  });
  const upstreams = openUpstreams({ silenceMs: config['upstream.timeout'] });
  const documents = openDocuments(cache.documents, upstreams, Date.now);
  const contradictions = openContradictions(paths.state, log);
  const logWord = openOwnLogWord({
    paths,
    sourceAt: (place) => httpTiles(new URL(place), upstreams, { strictSsl: true, ...proxiesIn(process.env) }),
    now: Date.now,
  });
  const artifacts = openArtifacts({
    log: logWord,
    cache,
    resolver: openResolver(cache),
    documents,
    upstreams,
    now: Date.now,
    onContradiction: (found) => contradictions.add(found),
  });
  const readOnlyBecause = (): string | undefined => context.readOnly ?? cache.readOnlyBecause;

  const accounts = openAccounts({ state: paths.state, settled: async () => artifacts.settled(), log });
  const firstPort = config['proxy.port'];
  const ports = keptPorts(paths.state, log);
  const followings = openFollowings(documents);
  const deep = openDeep();
  const gates = openGates({
    onDocument: followings.given,
    readerOf: deep.readerOf,
    artifacts,
    documents,
    upstreams,
    log,
    host: config['proxy.host'],
    firstPort: firstPort === 'auto' ? undefined : firstPort,
    // Only one agent at a time keeps ports: the one that may also write the cache.
    ports: context.readOnly === undefined ? ports : { ...ports, keep: () => {} },
    admit: async (credential, upstream) => (await reception.session(credential))?.askers.get(upstream.href),
    openImages: async (where) => openImageGate({ images, admit: admitToImages, log }, where),
  });
  const images = openImages({ cache, artifacts, documents, upstreams, now: Date.now });
  const imageParts: ImageSessionParts = {
    client: openRegistryClient(upstreams, Date.now),
    imageBase: async () => gates.imageBase(),
    shims: paths.shims,
  };
  const walkIns = openWalkIns(accounts, async () => {
    const caller = { cwd: '/', env: relevantOf(process.env), args: [], command: ['images'] };
    return (await openImageSession(imageParts, caller)).session;
  });
  const admitToImages = async (launch: string | undefined): Promise<ImageAsker | undefined> =>
    launch === undefined ? walkIns.session() : (await reception.sessionNamed(launch))?.images;
  const parts: SessionParts = {
    readSettings: openSettingsReaders(paths.shims),
    readOnlyBecause,
    news: openNews(),
    base: async (upstream) => gates.base(upstream),
    artifactHost: (upstream) => documents.artifactHost(upstream),
    pathOf: (name, file) => companionFile(context.directory, name, file),
  };
  const fills = new Set<Promise<void>>();
  const unreachable = (): readonly string[] => upstreams.unreachable();
  const spares = openDockerSpares({
    pathOf: parts.pathOf,
    daemonOf(name) {
      const launch = reception.launchNamed(name);
      if (!launch) throw new PyrsiaError('AGENT_REFUSED', { reason: 'there is no such launch' });
      return daemonOf(launch);
    },
    known: async (name) => reception.sessionNamed(name),
    log,
  });
  const sweep = openSweeps({
    address: async () => new URL(await gates.imageBase()).host,
    isRunning: async (name) => (await reception.sessionNamed(name)) !== undefined,
    log,
  });
  const quick = openQuickAnswers({
    directory: context.directory,
    sessions: parts,
    shims: paths.shims,
    toolOf,
    plan: planFor,
    prepare: async (tool) => (tool === docker.executable ? spares.prepare() : undefined),
    log,
  });
  async function planFor(
    sessions: SessionParts,
    launch: Parameters<typeof planDocker>[1] & Pick<Caller, 'pid'>,
  ): Promise<Plan> {
    const [ecosystem, tool] = toolOf(launch.tool);
    if (tool === docker)
      return planDocker({ ...sessions, ...imageParts, spares, sweep, unreachable, log }, launch);
    if (ecosystem === oci) return planImages({ ...sessions, ...imageParts }, tool, launch);
    return plan(sessions, ecosystem, tool, launch);
  }
  let isSettled = false;
  /** What can wait until the first answer has been given. */
  function settleIn(): void {
    if (isSettled) return;
    isSettled = true;
    upstreams.prepare().catch((error: unknown) => log(`Cannot ask upstreams: ${String(error)}`));
  }
  const reception = openReception({
    directory: context.directory,
    accounts,
    pathOf: parts.pathOf,
    log,
    plan: async (launch) => (launch.generation === undefined ? planFor(parts, launch) : quick.plan(launch)),
    isKept: spares.has,
    opened(launch, planned, over) {
      const [ecosystem, tool] = toolOf(launch.tool);
      const followed = followings.open(tool, planned, over);
      deep.open(planned);
      // Who has an answer already runs.
      const headStart = launch.generation === undefined ? openHeadStart(over, settleIn) : undefined;
      const filling = fill(
        { cache, artifacts, upstreams, umask: () => umaskOf(launch.pid) },
        tool,
        planned,
        over,
        {
          ...(followed && { followed: notingPastUs(ecosystem, tool, planned, followed) }),
          ...(headStart && { headStart }),
        },
      );
      void findPastUs(ecosystem, tool, planned);
      fills.add(filling);
      void filling.finally(() => fills.delete(filling));
      return headStart?.over;
    },
    answered(launch) {
      settleIn(); // While the tool is starting.
      // Stand-ins look nowhere else.
      if (process.platform === 'linux' && context.directory === paths.runtime && isLedQuickly(launch.tool))
        void quick.renew(launch);
    },
    ended() {
      quick.review();
      spares.review();
    },
  });

  if (isDockerLed())
    void gates.imageBase().catch((error: unknown) => log(`Cannot serve docker: ${String(error)}`));

  return {
    prepare: () => void importNpmConfig().catch(() => undefined),
    busy: () => reception.running() + accounts.closing(),
    withdraw() {
      quick.withdraw();
      reception.look();
    },
    async close() {
      reception.close();
      await spares.close();
      await Promise.all(fills);
      await accounts.closed();
      await logWord.settled();
      await gates[Symbol.asyncDispose]();
      await upstreams[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
    handlers: {
      async status() {
        reception.look();
        const readOnly = readOnlyBecause();
        const { rss } = process.memoryUsage();
        return {
          running: true,
          pid: process.pid,
          version: versionOf(join(import.meta.dirname, '..', 'package.json')),
          ports: await gates.ports(),
          launches: reception.running(),
          startedAt,
          rss,
          peakRss: process.resourceUsage().maxRSS * 1024,
          unreachable: upstreams.unreachable(),
          ...(readOnly === undefined ? {} : { readOnly }),
        };
      },

      launch: async ({ id, stays }, { disconnected }) =>
        reception.answer(id, stays === true ? undefined : disconnected),
      end: async ({ id, passes = false }) => reception.end(id, !passes),
      async settle() {
        reception.look();
        await accounts.closed();
        return {};
      },

      async pull({ reference: text, cwd, env, platform, passes = false }, { signal, progress }) {
        const { ecosystem, reference } = await parseReference(text);
        const caller = { id: randomUUID(), cwd, env, args: [], command: ['pyrsia', 'pull', text] };
        if (ecosystem === oci) {
          const machine = platform === undefined ? platformOf(process) : parsePlatform(platform);
          const opened = await openImageSession(imageParts, caller);
          accounts.open(caller.id, opened.session);
          try {
            return await pullImage(
              { cache, images, artifacts, upstreams },
              opened.session.images,
              imageOf(reference),
              {
                platform: platform === 'all' ? undefined : machine,
                signal,
                onProgress: progress,
              },
            );
          } finally {
            await accounts.close(caller.id, !passes);
            settleIn();
          }
        }
        const { session, askerFor } = await openSession(parts, ecosystem, caller);
        const { scopeOf } = ecosystem;
        const askers = scopeOf ? [askerFor(scopeOf(reference)) ?? []].flat() : [...session.askers.values()];
        if (askers.length === 0)
          throw new PyrsiaError('CREDENTIALS_NEEDED', { what: text, upstream: 'its registry' });
        accounts.open(caller.id, session);
        try {
          return await pullFromFirst({ cache, artifacts, documents, upstreams }, askers, reference, {
            signal,
            onProgress: progress,
          });
        } finally {
          await accounts.close(caller.id, !passes);
          settleIn();
        }
      },

      async isPublic({ reference: text, cwd, env }) {
        const { ecosystem, reference } = await parseReference(text);
        const place = ecosystem.registry.inPublic(reference);
        if (place === undefined) return { public: false };
        const caller = { id: randomUUID(), cwd, env, args: [], command: ['pyrsia', 'log', 'submit', text] };
        if (ecosystem === oci) {
          const opened = await openImageSession(imageParts, caller);
          const image = imageOf(reference);
          return {
            public: opened.session.images.places(image, 'tag').some(({ asker }) => asker.upstream.public),
          };
        }
        const { session, askerFor } = await openSession(parts, ecosystem, caller);
        const { scopeOf } = ecosystem;
        const askers = scopeOf ? [askerFor(scopeOf(reference)) ?? []].flat() : [...session.askers.values()];
        return { public: askers.some(({ upstream }) => upstream.public) };
      },

      async 'cache.rm'({ digests }) {
        let removed = 0;
        const before = cache.size().bytes;
        for (const digest of digests) if (await cache.content.delete(parseDigest(digest))) removed++;
        return { removed, bytes: before - cache.size().bytes };
      },
      images: async () => ({ base: await gates.imageBase() }),
      'cache.gc': async ({ dryRun }) => cache.gc({ dryRun }),
      'cache.verify': async ({ rebuild }, { progress }) =>
        cache.verify({ rebuild, onProgress: (checked, total) => progress({ checked, total }) }),

      async 'trust.accept'({ reference: text, reason }) {
        const { ecosystem, reference } = await parseReference(text);
        const exact = ecosystem.registry.exact(reference);
        const found = exact && contradictions.find(exact.coordinates);
        if (!found)
          throw new PyrsiaError('NOT_FOUND', { what: `a refusal of ${text} that could be accepted` });
        const readOnly = readOnlyBecause();
        if (readOnly !== undefined)
          throw new PyrsiaError('CACHE_READ_ONLY', { path: paths.cache, reason: readOnly });
        const { upstream, coordinates, actual, private: isPrivate } = found;
        await cache.bindings.put({
          upstream,
          coordinates,
          digests: [actual],
          private: isPrivate,
          seenAt: Date.now(),
          reason,
        });
        contradictions.remove(found);
        return { purl: text, digest: actual };
      },
    },
  };
}

function isLedQuickly(name: string): boolean {
  return tools.some((tool) => tool.executable === name && hasQuickWay(tool));
}

/** A tool by name. A command that is nobody's (a script, `make`) is led as npm is: by its environment. */
function toolOf(name: string) {
  for (const ecosystem of ecosystems) {
    const tool = ecosystem.tools.find(({ executable }) => executable === name);
    if (tool) return [ecosystem, tool] as const;
  }
  const [ecosystem] = ecosystems;
  return [ecosystem!, ecosystem!.tools[0]!] as const;
}

function versionOf(file: string): string {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed && 'version' in parsed && typeof parsed.version === 'string')
    return parsed.version;
  throw new Error(`${file} names no version`);
}
