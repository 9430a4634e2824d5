/**
 * The agent: composition root of the process that does the fetching for every command of one user. Here it
 * is decided which implementation serves which interface.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openContradictions } from './agent/contradictions.ts';
import { keepReceipt } from './agent/kept-receipts.ts';
import { pull } from './agent/pull.ts';
import { lead, openSession, type Session, type SessionParts } from './agent/sessions.ts';
import { openCache } from './cache/open-cache.ts';
import { parseDigest } from './content/digest.ts';
import { readConfig } from './config/read-config.ts';
import { type AgentContext, runAgent, type Service } from './control/lifecycle.ts';
import { keptPorts } from './control/ports.ts';
import { ecosystems, parseReference } from './ecosystems/index.ts';
import { PyrsiaError } from './errors.ts';
import { pathsOf } from './paths.ts';
import { openArtifacts } from './proxy/artifacts.ts';
import type { Upstream } from './proxy/asker.ts';
import { openDocuments } from './proxy/documents.ts';
import { type Gate, openGate } from './proxy/gate.ts';
import { openUpstreams } from './proxy/upstream.ts';
import type { Receipt } from './resolve/report.ts';
import { openResolver } from './resolve/resolve.ts';
import { findTool } from './shims/find-tool.ts';
import { launchFile } from './shims/launch.ts';
import { launches as openLaunches } from './shims/launches.ts';
import { readNpmSettings } from './shims/npm-settings.ts';
import type { ToolContext } from './shims/settings.ts';

const paths = pathsOf(process.env);
const config = readConfig(paths, process.env, '/').values;
const [, , directory] = process.argv;

await runAgent({
  paths,
  version: versionOf(join(import.meta.dirname, '..', 'package.json')),
  idleMs: config['agent.idle'],
  serve,
  ...(directory === undefined ? {} : { directory }),
});
process.exit();

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
  const artifacts = openArtifacts({
    cache,
    resolver: openResolver(cache),
    documents,
    upstreams,
    now: Date.now,
    onContradiction: (found) => contradictions.add(found),
  });
  const readOnlyBecause = (): string | undefined => context.readOnly ?? cache.readOnlyBecause;

  const sessions = new Map<string, Session>();
  const closing = new Set<Promise<unknown>>();
  const launches = openLaunches({ directory: context.directory, onEnd: ({ id }) => void ended(id) });

  const gates = new Map<string, Promise<Gate>>();
  const ports = keptPorts(paths.state, log);
  const parts: SessionParts = {
    paths,
    readSettings,
    readOnlyBecause,
    artifactHost: (upstream) => documents.artifactHost(upstream),
    pathOf: (launch, file) => launchFile(context.directory, launch, file),
    async base(upstream) {
      const { href } = upstream.url;
      let gate = gates.get(href);
      if (!gate) gates.set(href, (gate = openUpstreamGate(upstream)));
      gate.catch(() => gates.delete(href));
      return (await gate).base;
    },
  };

  async function openUpstreamGate({ url }: Upstream): Promise<Gate> {
    const configured = config['proxy.port'];
    const wanted = ports.get(url.href) ?? (configured === 'auto' || gates.size > 0 ? undefined : configured);
    const gate = await openGate(
      {
        artifacts,
        documents,
        upstreams,
        log,
        admit: (credential) =>
          launches.get(credential) ? sessions.get(credential)?.askers.get(url.href) : undefined,
      },
      { host: config['proxy.host'], ...(wanted === undefined ? {} : { port: wanted }) },
    );
    if (wanted !== undefined && gate.port !== wanted)
      log(`Port ${wanted} is taken: ${url.host} is served on ${gate.port}`);
    // Only one agent at a time keeps ports: the one that may also write the cache.
    if (context.readOnly === undefined) ports.keep(url.href, gate.port);
    return gate;
  }

  /** Closes a session's account; undefined when it was closed before. */
  async function ended(id: string): Promise<Receipt | undefined> {
    const session = sessions.get(id);
    sessions.delete(id);
    if (!session) return undefined;
    const closed = close(session);
    closing.add(closed);
    return closed.finally(() => closing.delete(closed));
  }

  async function close(session: Session): Promise<Receipt> {
    await artifacts.settled();
    const receipt = session.receipt(Date.now());
    try {
      keepReceipt(paths.state, receipt);
    } catch (error) {
      log(`Cannot keep the receipt: ${String(error)}`);
    }
    return receipt;
  }

  return {
    busy: () => launches.list().length + closing.size,
    async close() {
      launches.close();
      await Promise.all(closing);
      await Promise.allSettled([...gates.values()].map(async (gate) => (await gate)[Symbol.asyncDispose]()));
      await upstreams[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
    handlers: {
      async status() {
        const open = await Promise.all(
          [...gates].map(async ([url, gate]) => [url, (await gate).port] as const),
        );
        const readOnly = readOnlyBecause();
        const { rss } = process.memoryUsage();
        return {
          running: true,
          pid: process.pid,
          version: versionOf(join(import.meta.dirname, '..', 'package.json')),
          ports: Object.fromEntries(open),
          launches: launches.list().length,
          startedAt,
          rss,
          peakRss: process.resourceUsage().maxRSS * 1024,
          unreachable: upstreams.unreachable(),
          ...(readOnly === undefined ? {} : { readOnly }),
        };
      },

      async launch({ id }, { disconnected }) {
        const launch = launches.admit(id, disconnected);
        const [ecosystem, tool] = toolOf(launch.tool);
        const { session, answer } = await lead(parts, ecosystem, tool, launch);
        // The command may have gone while its npm's configuration was read.
        if (launches.get(id)) sessions.set(id, session);
        return answer;
      },

      async end({ id }) {
        // First, so that it is us who get the receipt.
        const closed = ended(id);
        launches.end(id);
        const receipt = await closed;
        if (!receipt) throw new PyrsiaError('AGENT_REFUSED', { reason: 'there is no such launch' });
        return receipt;
      },

      async pull({ reference: text, cwd, env }, { signal, progress }) {
        const { ecosystem, reference } = parseReference(text);
        const caller = { id: randomUUID(), cwd, env, args: [], command: ['pyrsia', 'pull', text] };
        const { session, upstreams: led } = await openSession(parts, ecosystem, caller);
        const scope = reference.name.startsWith('@') ? reference.name.split('/')[0] : undefined;
        const upstream =
          [...led].find(([each]) => each.scope === scope) ??
          [...led].find(([each]) => each.scope === undefined);
        const asker = upstream && session.askers.get(upstream[1].url.href);
        if (!asker) throw new PyrsiaError('CREDENTIALS_NEEDED', { what: text, upstream: 'its registry' });
        sessions.set(caller.id, session);
        try {
          return await pull({ cache, artifacts, documents, upstreams }, asker, reference, {
            signal,
            onProgress: progress,
          });
        } finally {
          await ended(caller.id);
        }
      },

      async 'cache.rm'({ digests }) {
        let removed = 0;
        const before = cache.size().bytes;
        for (const digest of digests) if (await cache.content.delete(parseDigest(digest))) removed++;
        return { removed, bytes: before - cache.size().bytes };
      },
      'cache.gc': async ({ dryRun }) => cache.gc({ dryRun }),
      'cache.verify': async ({ rebuild }, { progress }) =>
        cache.verify({ rebuild, onProgress: (checked, total) => progress({ checked, total }) }),

      async 'trust.accept'({ reference: text, reason }) {
        const { ecosystem, reference } = parseReference(text);
        const exact = ecosystem.registry.exact(reference);
        const found = exact && contradictions.find(exact.coordinates);
        if (!found)
          throw new PyrsiaError('NOT_FOUND', { what: `a refusal of ${text} that could be accepted` });
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

async function readSettings(
  _ecosystem: unknown,
  tool: string | undefined,
  context: ToolContext,
): ReturnType<typeof readNpmSettings> {
  const path = context.env['PATH'];
  // The arguments of another command, a script or the package that npx runs, are not npm's.
  const args = tool === 'npm' ? context.args : [];
  const npm = findTool('npm', path);
  const node = findTool('node', path);
  return readNpmSettings({
    ...context,
    args,
    ...(npm === undefined ? {} : { npm }),
    ...(node === undefined ? {} : { node }),
  });
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
