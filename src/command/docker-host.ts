/**
 * A socket in front of docker's daemon for whatever a shell starts: SDKs and other programs that read `DOCKER_HOST`
 * and are no docker client.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import type { Session } from '../session.ts';
import { led, restored } from '../shims/environment.ts';
import { answers } from '../shims/docker-daemon.ts';
import { findTool } from '../shims/find-tool.ts';
import { removeLaunch } from '../shims/launches.ts';
import { launch } from './launch.ts';

/** How long the agent may take to answer: 10 s. */
const ANSWER_TIMEOUT_MS = 10_000;

/** What a process and its children are to have in their environment. */
export interface DockerHost {
  /** `DOCKER_HOST` */
  readonly host: string;
  /** All that is set, by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** What is worth a line. */
  readonly notes: readonly string[];
}

/**
 * Has the agent open a socket that is there as long as process `pid` is, and belongs to its user alone. One that the
 * environment names already, and that answers, is named again.
 *
 * Rejects with `AGENT_UNAVAILABLE`, with `AGENT_REFUSED` where that process is none, or with `DOCKER_LEFT_ALONE` where
 * the daemon is not ours to stand in front of.
 */
export async function openDockerHost(session: Session, pid: number): Promise<DockerHost> {
  const { env, cwd, paths } = session;
  const { DOCKER_HOST: host, PYRSIA_LED_DOCKER_HOST: ours, PYRSIA_WAS_DOCKER_HOST: was = '' } = env;
  if (host && host === ours && (await answers(host.slice('unix://'.length))))
    return { host, variables: setBy({ DOCKER_HOST: was }, { DOCKER_HOST: host }), notes: [] };

  if (!session.config.enabled) throw leftAlone('pyrsia is switched off here');
  const before = restored(env);
  const executable = findTool('docker', before['PATH'], { skip: [paths.shims], cwd }) ?? 'docker';
  const started = { tool: 'docker', executable, args: [], env: before, cwd, pid };
  const { agent, answer, ...launched } = await launch(await session.agent(), started, {
    timeoutMs: ANSWER_TIMEOUT_MS,
    stays: true,
  });
  const { redirection, notes } = answer;
  const opened = redirection?.env['DOCKER_HOST'];
  if (redirection && opened !== undefined)
    return { host: opened, variables: setBy(before, redirection.env), notes };
  removeLaunch(agent.directory, launched);
  throw leftAlone(
    notes.at(-1)?.replace(/^docker runs without pyrsia: /, '') ??
      'no daemon answers (docker version says why)',
  );
}

/** The variables that leading sets, which shims below take for ours. */
function setBy(
  before: NodeJS.ProcessEnv,
  changes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(led(before, changes));
  return Object.fromEntries(
    entries.filter(
      (entry): entry is [string, string] => entry[1] !== undefined && before[entry[0]] !== entry[1],
    ),
  );
}

function leftAlone(reason: string): PyrsiaError<'DOCKER_LEFT_ALONE'> {
  return new PyrsiaError('DOCKER_LEFT_ALONE', { reason });
}
