/**
 * The client of the stand-ins: decides what their few lines of sh cannot, tells the agent of the launch, and
 * then gives its place to the tool. Whatever goes wrong with us, the tool runs.
 *
 * Each run of a tool waits for it, so it loads what it needs and nothing else. Neither `process.stdout` nor
 * its like are touched: that would change how they behave, for the tool as well.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { launch } from './command/launch.ts';
import { linesOf } from './command/talk.ts';
import { readConfig } from './config/read-config.ts';
import { connectAgent } from './control/client.ts';
import type { AgentClient } from './control/connection.ts';
import { PROTOCOL } from './control/protocol.ts';
import { tools } from './ecosystems/tools.ts';
import { type Paths, pathsOf } from './paths.ts';
import { led, restored } from './shims/environment.ts';
import { asInherited, INHERITED } from './shims/inherited.ts';
import { companionFile } from './shims/launch.ts';
import { isBash, plainly } from './shims/sh.ts';
import { RUN_SCRIPT } from './shims/terminal-script.ts';

/** How long an agent that is running may take to answer before the tool runs without it: 800 ms. */
const ANSWER_TIMEOUT_MS = 800;

/** How long it may take where it has to be started first, or where the tool must not run without it: 10 s. */
const START_TIMEOUT_MS = 10_000;

/** What a stand-in hands over. */
interface Call {
  /** The shell that the stand-in runs in. */
  readonly interpreter: string;
  readonly tool: string;
  /** The real tool, absolute or relative to where we are. */
  readonly executable: string;
  readonly args: readonly string[];
  /** What the stand-in has noted of what Node changes. */
  readonly inherited: string;
}

/** Which program this is. */
interface Program {
  readonly version: string;
  /** The directory of our package.json. */
  readonly root: string;
}

/** Runs the tool in our place; does not return, except to leave an exit code in `process.exitCode`. */
export async function main(argv: readonly string[], program: Program): Promise<void> {
  const [interpreter = '', tool = '', executable = '', ...args] = argv;
  const { [INHERITED]: inherited = '', ...given } = process.env;
  const call = { interpreter, tool, executable, args, inherited };
  // Node looks at it whenever a socket closes, which would open it.
  Object.defineProperty(process, 'stderr', { value: undefined });
  const env = restored(given);

  const cwd = process.cwd();
  const paths = pathsOf(env);
  const config = readConfig(paths, env, cwd);
  const known = tools.find((each) => each.executable === tool);
  // A stand-in says so, too, when it only needs the environment restored.
  const isOff = process.env['PYRSIA'] === 'off' || !config.enabled;
  if (isOff || known === undefined || known.stepAside(args) !== undefined) return become(call, env);

  const isStrict = env['PYRSIA_STRICT'] === '1';
  try {
    const patienceMs = isStrict ? START_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
    const { agent, timeoutMs } = await findAgent(paths, env, program, patienceMs);
    const receipt = isatty(2);
    const started = { tool, executable: resolve(cwd, executable), args, env, cwd, receipt };
    const { name, answer } = await launch(agent, started, { timeoutMs, stays: true });
    answer.notes.forEach(say);
    const { env: changes = {}, args: added = [], after = 0 } = answer.redirection ?? {};
    become(
      { ...call, args: args.toSpliced(after, 0, ...added) },
      led(env, changes),
      receipt ? companionFile(agent.directory, name, 'receipt') : '',
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isStrict) {
      say(`${tool}: not run, since PYRSIA_STRICT=1: ${reason}`);
      process.exit(125);
    }
    config.problems.forEach(say); // Else the agent knows which are news.
    say(`${reason}; ${tool} runs without pyrsia (pyrsia doctor)`);
    become(call, env);
  }
}

/** The agent, and how long it may now take to answer. */
async function findAgent(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  { version, root }: Program,
  patienceMs: number,
): Promise<{ readonly agent: AgentClient; readonly timeoutMs: number }> {
  const begun = process.uptime();
  const running = await connectAgent(paths, { version, helloTimeoutMs: patienceMs });
  if (running?.hello.pyrsia === version && running.hello.protocol === PROTOCOL)
    return { agent: running, timeoutMs: patienceMs - (process.uptime() - begun) * 1000 };

  await running?.[Symbol.asyncDispose]();
  const start = { entry: join(root, 'dist', 'agent.cjs'), env };
  const timeoutMs = START_TIMEOUT_MS;
  // Never undefined, since it may be started.
  return { agent: (await connectAgent(paths, { version, start, timeoutMs }))!, timeoutMs };
}

/**
 * Runs the tool in the place of this process, and where there is a file for a receipt, shows that afterwards.
 *
 * A shell does it, since only that says what is wrong with a tool that cannot be run; Node would abort.
 */
function become(call: Call, env: NodeJS.ProcessEnv, receipt = ''): void {
  const { interpreter, tool, executable, args, inherited } = call;
  const holdsAll = isBash(interpreter) || Object.keys(env).every((name) => /^[A-Za-z_]\w*$/.test(name));
  const own = [tool, receipt, executable, ...args];
  const [program, ...rest] = holdsAll
    ? [interpreter, ...asInherited(inherited, [interpreter, ...plainly(interpreter)], RUN_SCRIPT, own)]
    : [executable, executable, ...args];
  // Node ignores these, and who is ignored stays so; taking the last listener away undoes it.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, ignore).off(signal, ignore);
  // Otherwise it is written when Node ends, and it does not.
  flushCompileCache();
  process.execve?.(program, rest, env);
}

function ignore(): void {}

/** As talk's, but at once and without opening stderr as a stream, which would set its mode for the tool, too. */
function say(text: string): void {
  try {
    writeSync(2, `${linesOf(text)}\n`);
  } catch {
    // Nobody listens.
  }
}
