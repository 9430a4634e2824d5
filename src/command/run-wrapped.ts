/**
 * One run of a tool that fetches through us. Whatever goes wrong with us, the tool runs.
 *
 * @module
 */
import { basename, resolve } from 'node:path';
import { isPyrsiaError } from '../errors.ts';
import { tools } from '../ecosystems/tools.ts';
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { receiptLine } from '../resolve/receipt.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Session } from '../session.ts';
import { led, restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { removeLaunch } from '../shims/launches.ts';
import { runTool, type ToolResult } from '../shims/run-tool.ts';
import { type Launched, launch } from './launch.ts';
import { say } from './talk.ts';

/** How long the agent may take to answer before the tool runs without it: 10 s. */
const ANSWER_TIMEOUT_MS = 10_000;

/** How the tool ended, and what it fetched; no receipt when it ran without us. */
export interface Wrapped extends ToolResult {
  readonly receipt?: Receipt;
}

/** How a tool is run. */
export interface WrapOptions {
  readonly stdout?: 'inherit' | 'stderr';
  /** It is part of another command: of what it fetched nothing is said, and `why last` is not about it. */
  readonly passes?: boolean;
}

/**
 * Runs `name` with `args` on our own terminal, led to the agent, and says on stderr what there is to say.
 * Never rejects: code 127 when there is no such tool; 125 when `PYRSIA_STRICT=1` and the agent cannot serve.
 *
 * The agent leads a tool that it does not know by npm's environment, for the npm that it may start.
 */
export async function runWrapped(
  session: Session,
  [name = '', ...args]: readonly string[],
  { stdout = 'inherit', passes = false }: WrapOptions = {},
): Promise<Wrapped> {
  const env = restored(session.env);
  const executable = /[/\\]/.test(name)
    ? resolve(session.cwd, name)
    : findTool(name, env['PATH'], {
        // Nested in a launch of ours they would make one of their own.
        skip: [session.paths.shims],
        cwd: session.cwd,
        ...(env['PATHEXT'] && { endings: env['PATHEXT'] }),
      });
  if (executable === undefined) return { code: 127, error: 'command not found' };

  const tool = knownTool(name);
  if (!session.config.enabled || tool?.stepAside(args) !== undefined) {
    return runTool(executable, args, { env, stdout });
  }
  session.config.problems.forEach(say);

  if (tool?.wrapper !== undefined && basename(executable) === tool.wrapper) {
    const { fetchWrapped } = await import('./maven-wrapper.ts');
    try {
      await fetchWrapped(session, executable, env);
    } catch (error) {
      return { code: 1, error: `not run: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  let launched: Launched;
  try {
    launched = await launch(
      await session.agent(),
      { tool: tool?.executable ?? name, executable, args, env, cwd: session.cwd },
      { timeoutMs: ANSWER_TIMEOUT_MS },
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (env['PYRSIA_STRICT'] === '1')
      return { code: 125, error: `not run, since PYRSIA_STRICT=1: ${reason}` };
    say(`${reason}; ${name} runs without pyrsia (pyrsia doctor)`);
    return runTool(executable, args, { env, stdout });
  }

  const { redirection, notes } = launched.answer;
  notes.filter((note) => !session.config.problems.includes(note)).forEach(say);
  const result = await runTool(
    executable,
    args.toSpliced(redirection?.after ?? 0, 0, ...(redirection?.args ?? [])),
    {
      env: led(env, redirection?.env ?? {}),
      stdout,
    },
  );
  const receipt = await settle(launched, name, [...notes, ...session.config.problems], passes);
  return { ...result, ...(receipt && { receipt }) };
}

/** A tool by its name, or by that of the script by which a project starts it. */
function knownTool(name: string): CalledTool | undefined {
  const called = basename(name).replace(/\.(cmd|exe|ps1)$/i, '');
  return tools.find(({ executable, wrapper }) => executable === called || wrapper === called);
}

/** Ends the launch and says what came of it; undefined when the agent can no longer tell. */
async function settle(
  { agent, ...launched }: Launched,
  tool: string,
  alreadySaid: readonly string[],
  passes: boolean,
): Promise<Receipt | undefined> {
  try {
    const receipt = await agent.call(
      'end',
      { id: launched.id, passes },
      { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) },
    );
    receipt.notes.filter((note) => !alreadySaid.includes(note)).forEach(say);
    const line = passes ? undefined : receiptLine(receipt);
    if (line !== undefined) say(line);
    return receipt;
  } catch (error) {
    removeLaunch(agent.directory, launched);
    say(
      isPyrsiaError(error, 'AGENT_UNAVAILABLE')
        ? `The agent ended while ${tool} was running; if that failed, run it again (pyrsia agent logs may say why)`
        : `There is no receipt: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
