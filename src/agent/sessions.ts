/**
 * What the agent knows of each running launch: whom it asks, on which terms, and its account.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FillMode, LocalFillMode } from '../config/settings.ts';
import { userConfigPath } from '../config/config-file.ts';
import { readConfig, type ReadConfig } from '../config/read-config.ts';
import { redact } from '../control/log.ts';
import type { LaunchAnswer } from '../control/protocol.ts';
import type { Ecosystem, Leading, Redirection, Tool } from '../ecosystems/ecosystem.ts';
import { pathsOf } from '../paths.ts';
import { namedBase, tellsOwners } from '../proxy/admission.ts';
import { apart, type Asker, type Upstream } from '../proxy/asker.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Receipt } from '../resolve/report.ts';
import { openReporter, type Reporter } from '../resolve/reporter.ts';
import type { Launch } from '../shims/launch.ts';
import type { News } from './news.ts';
import type { OwnProof, ToolContext, ToolSettings, UpstreamSettings } from '../shims/settings.ts';

/** Reads the configuration of an ecosystem's tool for one launch; `tool` is the command that is started. */
export type ReadSettings = (
  ecosystem: Ecosystem,
  tool: string | undefined,
  context: ToolContext & Pick<Caller, 'executable' | 'pid'>,
) => Promise<ToolSettings>;

/** A launch, as the proxy sees it. */
export interface Session {
  readonly reporter: Reporter;
  /** By the upstream's URL. */
  readonly askers: ReadonlyMap<string, Asker>;
  /** Who asks for images, of a launch whose tool fetches such. */
  readonly images?: ImageAsker;
  receipt(endedAt?: number): Receipt;
}

/** What makes a session besides its launch. */
export interface SessionParts {
  readonly readSettings: ReadSettings;
  /** Opens the gate of an upstream where it is not open yet; resolves to its base URL. */
  base(upstream: Upstream): Promise<string>;
  /** The host at which an upstream is known to keep its artifacts. */
  artifactHost(upstream: URL): string | undefined;
  /** Path of a file that belongs to the launch of this name. */
  pathOf(this: void, name: string, file: string): string;
  readonly news: News;
  /** Why nothing can be stored. */
  readonly readOnlyBecause: () => string | undefined;
}

/** Somebody who asks: a launch, or a command of ours. */
export type Caller = Pick<Launch, 'cwd' | 'args' | 'env'> & {
  /** Of a launch, the process that is or becomes the tool. */
  readonly pid?: number;
  readonly command: readonly string[];
  /** The tool that is started, and its path; undefined for a command of ours. */
  readonly tool?: string;
  readonly executable?: string;
  /** Where its receipt is kept current. */
  readonly receiptFile?: string;
};

/** Opens the account of a caller, by the configuration that is theirs: it need not be that of whoever started the agent. */
export function openAccountOf({ cwd, env, command, receiptFile }: Caller): {
  readonly values: ReadConfig['values'];
  readonly reporter: Reporter;
  /** Why upstream is not asked; undefined when it is. */
  readonly offline?: string;
  /** What is wrong with our own configuration, and where that is. */
  readonly wrong: { readonly file: string; readonly problems: readonly string[] };
} {
  const paths = pathsOf(env);
  const { values, problems } = readConfig(paths, env, cwd);
  const offline = env['PYRSIA_OFFLINE'] === '1' ? 'PYRSIA_OFFLINE=1' : undefined;
  const reporter = openReporter(
    {
      // Not its id, which is a credential while it runs: reports are shown around.
      launch: randomUUID(),
      command: command.map(redact),
      cwd,
      startedAt: Date.now(),
      policy: values.policy,
      ...(offline === undefined ? {} : { offline }),
    },
    {
      ...(env['PYRSIA_REPORT'] && { report: resolve(cwd, env['PYRSIA_REPORT']) }),
      ...(receiptFile !== undefined && { receipt: receiptFile }),
    },
    values['log.submit'] === 'on',
  );
  for (const problem of problems) reporter.note(problem);
  const wrong = { file: userConfigPath(paths), problems };
  return { values, reporter, wrong, ...(offline === undefined ? {} : { offline }) };
}

/** Opens a session for a caller that uses `ecosystem`; nothing is listening for it yet. */
export async function openSession(
  parts: SessionParts,
  ecosystem: Ecosystem,
  caller: Caller,
): Promise<{
  readonly session: Session;
  readonly settings: ToolSettings;
  readonly filling: Plan['filling'];
  readonly upstreams: ReadonlyMap<UpstreamSettings, Upstream>;
  /** As {@link openAccountOf} has it. */
  readonly wrong: { readonly file: string; readonly problems: readonly string[] };
  /** Who asks the registry of a scope, or the default one where it has none of its own; undefined: only the tool itself may. */
  askerFor(this: void, scope?: string): Asker | undefined;
}> {
  const { values, reporter, offline, wrong } = openAccountOf(caller);
  const settings = await parts.readSettings(ecosystem, caller.tool, caller);

  const upstreams = new Map<UpstreamSettings, Upstream>();
  const askers = new Map<string, Asker>();
  for (const each of settings.upstreams) {
    const url = addressOf(each, settings);
    const isPublic =
      !settings.ownTrust &&
      !provesAnything(each.proof) &&
      (each.shipped || values['npm.public'].includes(each.url));
    if (each.unsupported !== undefined || (each.authorization !== undefined && !isPublic)) continue;
    // Only its tool has what it proves that by.
    if (each.proof && (caller.tool === undefined || !tellsOwners())) continue;
    const upstream = {
      url,
      name: isPublic ? ecosystem.name : url.href,
      public: isPublic,
      ecosystem,
    };
    upstreams.set(each, upstream);
    askers.set(url.href, {
      upstream,
      connection: settings.connection,
      policy: values.policy,
      ...(values.peers === 'off' && { alone: true }),
      ...(values['peers.copies'] !== 'off' && { copies: values['peers.copies'] }),
      reporter,
      ...(each.proof && { proof: each.proof }),
      ...(each.authorization === undefined ? {} : { authorization: each.authorization }),
      ...(offline === undefined ? {} : { offline }),
    });
  }
  const session = { reporter, askers, receipt: (endedAt?: number) => reporter.receipt(endedAt) };
  return {
    session,
    settings,
    filling: {
      how: values['npm.fill'],
      limit: values['npm.fill.max'],
      local: values['maven.fill'],
    },
    upstreams,
    wrong,
    askerFor(scope) {
      const { upstreams: all } = settings;
      const named = all.find((each) => each.scope === scope) ?? all.find((each) => each.scope === undefined);
      const upstream = named && upstreams.get(named);
      return upstream && askers.get(upstream.url.href);
    },
  };
}

/**
 * As whom a registry is asked is part of what it is: whoever a project lets answer in its place is another one, for bindings,
 * documents and npm's own cache. So is, by its id, one to which the tool proves who its user is.
 */
function addressOf({ url, scope, proof }: UpstreamSettings, { ownTrust, connection }: ToolSettings): URL {
  if (ownTrust) return apart(new URL(url), connection);
  return proof ? apart(new URL(url), ['proven', scope]) : new URL(url);
}

function provesAnything(proof: OwnProof | undefined): boolean {
  return proof !== undefined && (proof.byPassword || proof.headers.length > 0);
}

/** How the tool of a launch can be led to us. */
export interface Plan {
  readonly session: Session;
  readonly settings: ToolSettings;
  /** What its user is to be told. */
  readonly notes: readonly string[];
  /** As {@link openSession} has it. */
  askerFor(this: void, scope?: string): Asker | undefined;
  /** How the tool's own cache may be filled, and how much may be written for that, in bytes; and how its local repository; absent: not at all. */
  readonly filling: { readonly how: FillMode; readonly limit: number; readonly local?: LocalFillMode };
  /** Undefined: the tool is to run as if we were not there. */
  readonly redirection?: Redirection;
  /** What has to be there before its tool is started, until the launch is `over`. */
  begin?(this: void, over: AbortSignal): Promise<void>;
}

/** Finds out how the tool of a launch can be led to us. Nothing is written yet. */
export async function plan(
  parts: SessionParts,
  ecosystem: Ecosystem,
  tool: Tool,
  launch: Omit<Launch, 'pid'> & Pick<Caller, 'pid'>,
): Promise<Plan> {
  const { session, settings, upstreams, askerFor, filling, wrong } = await openSession(parts, ecosystem, {
    ...launch,
    command: [launch.tool, ...launch.args],
    ...(launch.receipt && { receiptFile: parts.pathOf(launch.name, 'receipt') }),
  });

  const leftAlone = settings.upstreams.filter((each) => !upstreams.has(each));
  const alone = leftAlone.map(
    ({ url, scope, unsupported }) =>
      `${scope ?? 'this project'}'s registry ${new URL(url).host} needs ${unsupported ?? 'credentials'}: ${launch.tool} asks it without us`,
  );
  for (const note of alone) session.reporter.note(note);
  const notes = [...parts.news(wrong.file, wrong.problems), ...alone];
  const readOnly = parts.readOnlyBecause();
  if (readOnly !== undefined) session.reporter.unstored(readOnly);
  if (leftAlone.some(({ scope }) => scope === undefined))
    return { session, settings, notes, askerFor, filling };

  const { httpProxy, httpsProxy, noProxy } = settings.connection;
  const leading: Leading[] = [];
  for (const [{ url, scope, proof }, upstream] of upstreams) {
    const base = await parts.base(upstream);
    leading.push({
      upstream: url,
      base: proof ? namedBase(base, launch.name) : base,
      ...(scope === undefined ? {} : { scope }),
    });
  }
  const main = leading.find(({ scope }) => scope === undefined);
  const artifactHost = main && parts.artifactHost(new URL(main.upstream));
  const redirection = tool.redirect({
    args: launch.args,
    leading,
    besides: leftAlone.map(({ url }) => url),
    credential: launch.id,
    globalConfig: settings.globalConfig,
    ...(settings.userConfig === undefined ? {} : { userConfig: settings.userConfig }),
    lockedHosts: settings.lockedHosts,
    ...(artifactHost === undefined ? {} : { artifactHost }),
    ...(settings.replacedHost === undefined ? {} : { replacedHost: settings.replacedHost }),
    ...(httpProxy === undefined && httpsProxy === undefined ? {} : { unproxied: noProxy ?? '' }),
    pathOf: (file) => parts.pathOf(launch.name, file),
  });
  return { session, settings, notes, askerFor, filling, redirection };
}

/** What the command that asks is told, which can say it; writes the files that the tool is to read. */
export function answerTo(
  { name }: Pick<Launch, 'name'>,
  { session, notes, redirection }: Plan,
  { pathOf }: Pick<SessionParts, 'pathOf'>,
): LaunchAnswer {
  session.reporter.said();
  if (!redirection) return { notes };
  const { env, args = [], after = 0, files = {} } = redirection;
  for (const [file, text] of Object.entries(files)) {
    if (file.includes('/')) mkdirSync(dirname(pathOf(name, file)), { recursive: true, mode: 0o700 });
    writeFileSync(pathOf(name, file), text, { mode: 0o600, flag: 'wx' });
  }
  return { redirection: { env, args, ...(after > 0 ? { after } : {}) }, notes };
}
