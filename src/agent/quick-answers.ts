/**
 * Answers for launches that do not ask: how a tool is led outside of any project is left in its quick file
 * after a launch that did ask. Who has followed such an answer is served if it is still the right one.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { userConfigPath } from '../config/config-file.ts';
import type { Ecosystem, Tool } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { pathsOf } from '../paths.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { type Launch, relevantOf } from '../shims/launch.ts';
import { environmentOf } from '../shims/process-environment.ts';
import * as quick from '../shims/quick-file.ts';
import type { SettingsSource } from '../shims/settings.ts';
import type { Caller, Plan, SessionParts } from './sessions.ts';

/** How many answers are remembered, for launches that have followed an earlier one. */
const KEPT = 100;

/** The answers of one agent. */
export interface QuickAnswers {
  /** Writes the quick file of a launch's tool anew where it is not current. Never rejects. */
  renew(launch: Launch): Promise<void>;
  /**
   * Plans a launch that has followed an answer.
   *
   * @throws PyrsiaError `AGENT_REFUSED` when it was the wrong one, or an earlier agent's
   */
  plan(launch: Launch): Promise<Plan>;
  /** Withdraws answers that would be others now, by what was learned of registries meanwhile. */
  review(): void;
  /** Withdraws all answers. */
  withdraw(): void;
}

/** What answers are made of. */
export interface QuickParts {
  /** Where stand-ins look for quick files. */
  readonly directory: string;
  readonly sessions: SessionParts;
  /** Where stand-ins lie, which are not the tools. */
  readonly shims: string;
  toolOf(this: void, name: string): readonly [Ecosystem, Tool];
  /** Finds out how a launch can be led, with these sessions. */
  plan(this: void, sessions: SessionParts, launch: Omit<Launch, 'pid'> & Pick<Caller, 'pid'>): Promise<Plan>;
  /** Sees to what has to be there for those who follow an answer for this tool. */
  prepare?(this: void, tool: string): Promise<void>;
  log(this: void, text: string): void;
}

/** What an answer rests on besides files. */
type Circumstances = Pick<quick.QuickAnswer, 'executable' | 'node' | 'variables'>;

/** What was found out for a tool, at `readAt`. */
interface Found {
  readonly about: Circumstances;
  readonly sources: readonly SettingsSource[];
  readonly readAt: number;
  /** What was known of each upstream's artifact host. */
  readonly hosts: ReadonlyMap<string, string | undefined>;
  /** Undefined: it cannot be said in a quick file. */
  readonly answer?: quick.QuickAnswer;
}

/** No answers so far; those that an earlier agent left are removed. */
export function openQuickAnswers({
  directory,
  sessions,
  shims,
  toolOf,
  plan,
  prepare,
  log,
}: QuickParts): QuickAnswers {
  /** By generation. */
  const given = new Map<string, Found & { readonly tool: string }>();
  /** By tool: what was found last. */
  const latest = new Map<string, Found>();
  const finding = new Set<string>();
  /** Tools that were led astray: something has a say that a stand-in does not see. */
  const mistaken = new Set<string>();
  let withdrawals = 0;
  quick.removeQuickFiles(directory);

  function withdrawOf(tool: string): void {
    latest.delete(tool);
    quick.removeQuickFile(directory, tool);
  }

  /** What holds for a tool of this user outside of any project; undefined when that says more than a file can. */
  async function find(launch: Launch, about: Circumstances): Promise<Found | undefined> {
    const [, tool] = toolOf(launch.tool);
    const config = userConfigPath(pathsOf(launch.env));
    const ours = { path: config, exists: existsSync(config) };
    const readAt = Date.now();
    const hosts = new Map<string, string | undefined>();
    const artifactHost = (upstream: URL): string | undefined => {
      hosts.set(upstream.href, sessions.artifactHost(upstream));
      return hosts.get(upstream.href);
    };
    const anyone = { ...launch, id: randomUUID(), name: randomUUID(), cwd: '/', args: [], receipt: false };
    const { session, settings, redirection } = await plan({ ...sessions, artifactHost }, anyone);
    if (settings.varies || session.receipt().notes.length > 0) return undefined;

    const sources = [...settings.sources, ours];
    const main = settings.upstreams.find(({ scope }) => scope === undefined);
    const { replacedHost } = settings;
    const lockfile =
      replacedHost !== undefined && main !== undefined && new URL(main.url).host !== replacedHost;
    const lines = redirection && linesOf(anyone, tool, redirection);
    const answer = lines && { ...about, lockfile, sources, lines };
    return { about, sources, readAt, hosts, ...(answer && { answer }) };
  }

  /** The generation of an answer: the one that said the same, where there is one. */
  function generationOf(tool: string, { answer }: Found): string {
    const same = [...given].find(
      ([, before]) => before.tool === tool && isDeepStrictEqual(before.answer, answer),
    );
    return same ? same[0] : randomBytes(8).toString('hex');
  }

  function linesOf(
    { id, name }: Pick<Launch, 'id' | 'name'>,
    tool: Tool,
    redirection: NonNullable<Plan['redirection']>,
  ): readonly string[] | undefined {
    const pathOf = (file: string): string => sessions.pathOf(name, file);
    return quick.quickLines(redirection, tool, { credential: id, pathOf });
  }

  async function renew(launch: Launch): Promise<void> {
    const { tool, env, executable } = launch;
    const node = findTool('node', env['PATH'], { skip: [shims] });
    const about = { executable, node, variables: quick.fingerprint(toolOf(tool)[1], env) };
    if (isCurrent(tool, about)) return;

    const before = withdrawals;
    const found = await find(launch, about);
    if (found?.answer) await prepare?.(tool);
    if (before !== withdrawals) return;
    if (!found || !give(tool, found)) withdrawOf(tool);
    if (found) latest.set(tool, found);
  }

  function isCurrent(tool: string, about: Circumstances): boolean {
    const last = latest.get(tool);
    if (!last || !isDeepStrictEqual(about, last.about)) return false;
    if (last.answer && !existsSync(quick.quickFile(directory, tool))) return false;
    return quick.areUnchanged(last.sources, last.readAt);
  }

  /** Whether what was found now stands in the quick file. */
  function give(tool: string, found: Found): boolean {
    const generation = generationOf(tool, found);
    const { answer, readAt } = found;
    if (!answer || !quick.writeQuickFile(directory, tool, generation, answer, readAt)) return false;
    given.delete(generation);
    given.set(generation, { ...found, tool });
    for (const oldest of [...given.keys()].slice(0, -KEPT)) given.delete(oldest);
    return true;
  }

  return {
    async renew(launch) {
      const { tool } = launch;
      if (toolOf(tool)[1].executable !== tool || mistaken.has(tool) || finding.has(tool)) return;
      if (isBelowAnother(launch)) return;
      finding.add(tool);
      try {
        await renew(launch);
      } catch (error) {
        // Without a file everybody asks, and is told what is wrong.
        withdrawOf(tool);
        log(`No quick answers for ${tool}: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        finding.delete(tool);
      }
    },
    async plan(launch) {
      const { tool: name, generation = '' } = launch;
      const followed = given.get(generation);
      if (followed?.tool !== name)
        throw refused(`it was another one that said how to start it: run ${name} again`);
      const env = relevantOf(restored(await environmentOf(launch.pid).catch(unreadable)));
      const [, tool] = toolOf(name);
      const artifactHost = ({ href }: URL): string | undefined => followed.hosts.get(href);
      const planned = await plan({ ...sessions, artifactHost }, { ...launch, env });
      const lines = planned.redirection && linesOf(launch, tool, planned.redirection);
      if (isDeepStrictEqual(lines, followed.answer?.lines)) return planned;
      mistaken.add(name);
      withdrawOf(name);
      throw refused(`${name}'s configuration is not what its stand-in took it for: run ${name} again`);
    },
    review() {
      for (const [tool, { hosts }] of latest) {
        const isNews = [...hosts].some(([href, before]) => {
          const { host } = new URL(href);
          // One of which nothing is known is taken to keep its artifacts itself.
          return (sessions.artifactHost(new URL(href)) ?? host) !== (before ?? host);
        });
        if (isNews) withdrawOf(tool);
      }
    },
    withdraw() {
      withdrawals += 1;
      latest.clear();
      quick.removeQuickFiles(directory);
    },
  };
}

function unreadable(error: unknown): never {
  throw refused(`its environment cannot be read: ${String(error)}`);
}

function refused(reason: string): PyrsiaError<'AGENT_REFUSED'> {
  return new PyrsiaError('AGENT_REFUSED', { reason });
}

/**
 * Whether another stand-in is above the launch's. What runs there has other settings than its user's shell
 * (`npm run` exports npm's), and its answer would take the place of the one that the shell is about to use again.
 */
function isBelowAnother({ env }: Pick<Launch, 'env'>): boolean {
  return Number.parseInt(env['PYRSIA_SHIM_DEPTH'] ?? '', 10) > 1;
}
