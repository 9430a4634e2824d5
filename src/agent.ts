/**
 * The agent: composition root of the process that does the fetching for every command of one user. Here it
 * is decided which implementation serves which interface.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAccounts } from './agent/accounts.ts';
import { cacheRequests } from './agent/cache-requests.ts';
import { openDeep } from './agent/deep.ts';
import { daemonOf } from './agent/docker-launch.ts';
import { openDockerSpares } from './agent/docker-spares.ts';
import { openFetching } from './agent/fetching.ts';
import { openFills } from './agent/fills.ts';
import { openFollowings } from './agent/following.ts';
import { openGates } from './agent/gates.ts';
import { type ImageSessionParts, openImageSession } from './agent/image-sessions.ts';
import { openNews } from './agent/news.ts';
import { peerRequests } from './agent/peer-requests.ts';
import { isLedQuickly, planLaunch, toolOf } from './agent/plan-launch.ts';
import { openProjects } from './agent/projects.ts';
import { openQuickAnswers, type QuickParts } from './agent/quick-answers.ts';
import { openSettingsReaders } from './agent/read-settings.ts';
import { openReception } from './agent/reception.ts';
import { referenceRequests } from './agent/reference-requests.ts';
import type { Session, SessionParts } from './agent/sessions.ts';
import { submitFetched } from './agent/submit-fetched.ts';
import { openWalkIns } from './agent/walk-ins.ts';
import { readConfig } from './config/read-config.ts';
import { type AgentContext, runAgent, type Service } from './control/lifecycle.ts';
import { keptPorts } from './control/ports.ts';
import { docker } from './ecosystems/oci/docker.ts';
import { PyrsiaError } from './errors.ts';
import { pathsOf } from './paths.ts';
import type { Asker } from './proxy/asker.ts';
import { openSweeps } from './proxy/docker-sweep.ts';
import type { ImageAsker } from './proxy/image-asker.ts';
import { openImageGate } from './proxy/image-gate.ts';
import { openRegistryClient } from './proxy/registry-client.ts';
import { loggedIn } from './resolve/receipt.ts';
import { readDockerLed } from './shims/docker-led.ts';
import { companionFile, relevantOf } from './shims/launch.ts';
import { importNpmConfig } from './shims/npm-config.ts';
import { isResident } from './shims/resident.ts';

const paths = pathsOf(process.env);
const config = readConfig(paths, process.env, '/').values;
const version = versionOf(join(import.meta.dirname, '..', 'package.json'));
const [, , directory] = process.argv;

void runAgent({
  paths,
  version,
  idleMs: config['agent.idle'],
  stays: () => isDockerLed() || isResident(paths.state),
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
  const fetching = await openFetching(context, config);
  const { artifacts, copies, documents, upstreams, readOnlyBecause } = fetching;

  const submitting = submitFetched({ paths, log, onDone: () => void fetching.logWord.renew() });
  const accounts = openAccounts({
    state: paths.state,
    settled: async () => artifacts.settled(),
    onClosed(receipt) {
      submitting.take(receipt);
      void fetching.logWord.keep(loggedIn(receipt.artifacts));
    },
    log,
  });
  const firstPort = config['proxy.port'];
  const ports = keptPorts(paths.state, log);
  const followings = openFollowings(documents);
  const deep = openDeep();
  const gates = openGates({
    onDocument: followings.given,
    readerOf: deep.readerOf,
    artifacts,
    copies,
    documents,
    upstreams,
    log,
    host: config['proxy.host'],
    firstPort: firstPort === 'auto' ? undefined : firstPort,
    // Only one agent at a time keeps ports: the one that may also write the cache.
    ports: context.readOnly === undefined ? ports : { ...ports, keep: () => {} },
    admit: async (credential, upstream) => askerOf(await reception.session(credential), upstream),
    admitNamed: async (name, upstream) => askerOf(await reception.sessionNamed(name), upstream),
    openImages: async (where) => openImageGate({ images: fetching.images, admit: admitToImages, log }, where),
  });
  const imageSessions: ImageSessionParts = {
    client: openRegistryClient(upstreams, Date.now),
    imageBase: async () => gates.imageBase(),
    shims: paths.shims,
  };
  const walkIns = openWalkIns(accounts, async () => {
    const caller = { cwd: '/', env: relevantOf(process.env), args: [], command: ['images'] };
    return (await openImageSession(imageSessions, caller)).session;
  });
  const admitToImages = async (launch: string | undefined): Promise<ImageAsker | undefined> =>
    launch === undefined ? walkIns.session() : (await reception.sessionNamed(launch))?.images;
  const sessions: SessionParts = {
    readSettings: openSettingsReaders(paths.shims),
    readOnlyBecause,
    news: openNews(),
    base: async (upstream) => gates.base(upstream),
    artifactHost: (upstream) => documents.artifactHost(upstream),
    pathOf: (name, file) => companionFile(context.directory, name, file),
  };
  const spares = openDockerSpares({
    pathOf: sessions.pathOf,
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
  const unreachable = (): readonly string[] => upstreams.unreachable();
  const planFor: QuickParts['plan'] = async (these, launch) =>
    planLaunch({ ...these, ...imageSessions, spares, sweep, unreachable, log }, launch);
  const quick = openQuickAnswers({
    directory: context.directory,
    sessions,
    shims: paths.shims,
    toolOf,
    plan: planFor,
    prepare: async (tool) => (tool === docker.executable ? spares.prepare() : undefined),
    log,
  });
  let isSettled = false;
  /** What can wait until the first answer has been given. */
  function settleIn(): void {
    if (isSettled) return;
    isSettled = true;
    upstreams.prepare().catch((error: unknown) => log(`Cannot ask upstreams: ${String(error)}`));
  }
  const fills = openFills({
    ...fetching,
    followings,
    readerOf: deep.readerOf,
    projects: openProjects(join(paths.cache, 'projects')),
    waits: settleIn,
  });
  const reception = openReception({
    directory: context.directory,
    accounts,
    pathOf: sessions.pathOf,
    log,
    plan: async (launch) =>
      launch.generation === undefined ? planFor(sessions, launch) : quick.plan(launch),
    isKept: spares.has,
    opened(launch, planned, over) {
      deep.open(planned);
      return fills.begin(launch, planned, over);
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

  const { desk } = fetching.agentPeers;
  fetching.agentPeers.settle();

  if (isDockerLed())
    void gates.imageBase().catch((error: unknown) => log(`Cannot serve docker: ${String(error)}`));

  return {
    prepare: () => void importNpmConfig().catch(() => undefined),
    busy: () => reception.running() + accounts.closing() + submitting.pending(),
    withdraw() {
      quick.withdraw();
      reception.look();
    },
    async close() {
      reception.close();
      await spares.close();
      await fills.ended();
      await accounts.closed();
      await submitting.close();
      await gates[Symbol.asyncDispose]();
      await fetching[Symbol.asyncDispose]();
    },
    handlers: {
      async status() {
        reception.look();
        const readOnly = readOnlyBecause();
        const { rss } = process.memoryUsage();
        return {
          running: true,
          pid: process.pid,
          version,
          ports: await gates.ports(),
          launches: reception.running(),
          startedAt,
          rss,
          peakRss: process.resourceUsage().maxRSS * 1024,
          unreachable: upstreams.unreachable(),
          ...(submitting.pending() > 0 && { submitting: submitting.pending() }),
          ...(readOnly === undefined ? {} : { readOnly }),
          peers: desk.status(),
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
      images: async () => ({ base: await gates.imageBase() }),
      ...referenceRequests({ ...fetching, accounts, sessions, imageSessions, brought: settleIn }),
      ...cacheRequests({ ...fetching, paths }),
      ...peerRequests(desk, paths),
    },
  };
}

function askerOf(session: Session | undefined, upstream: URL): Asker | undefined {
  return session?.askers.get(upstream.href);
}

function versionOf(file: string): string {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed && 'version' in parsed && typeof parsed.version === 'string')
    return parsed.version;
  throw new Error(`${file} names no version`);
}
