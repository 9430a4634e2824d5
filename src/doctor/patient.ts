/**
 * What checks look at. What several of them need is looked up once.
 *
 * @module
 */
import type { ReadConfig } from '../config/read-config.ts';
import { findTool } from '../shims/find-tool.ts';
import type { NpmContext } from '../shims/npm-config.ts';
import { readNpmSettings } from '../shims/npm-settings.ts';
import type { ToolSettings } from '../shims/settings.ts';
import { restored } from '../shims/environment.ts';
import type { Paths } from '../paths.ts';
import type { Session } from '../session.ts';
import { agentsSeen, type AgentsSeen } from './agents-seen.ts';
import { type Asked, askUpstreams } from './asked.ts';

/** Who examines, and where. */
export interface Examination extends Pick<Session, 'version' | 'env' | 'cwd' | 'paths' | 'config'> {
  /** The directory of our package.json. */
  readonly root: string;
  /** The agent, started where none is running: for repairs only. */
  readonly agent: Session['agent'];
}

/** What a check may look at. */
export interface Patient extends Examination {
  /** As the user's shell has it, without what led a tool to us. */
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Paths;
  readonly config: ReadConfig;
  /** Undefined where the system has no such thing. */
  readonly uid: number | undefined;
  /** Aborts when time is up. */
  readonly signal: AbortSignal;
  /** The agents of this user's runtime directory, of which none is started. */
  agents(): Promise<AgentsSeen>;
  /** A call of npm here without arguments, and which npm that is. */
  readonly npmContext: NpmContext;
  /** What npm is configured with here. Rejects with `CONFIG_INVALID`. */
  npm(): Promise<ToolSettings>;
  /** What each registry answered; none when nobody may be asked, or npm's configuration cannot be read. */
  asked(): Promise<readonly Asked[]>;
}

/** The patient of an examination, at whom nobody has looked yet. */
export function patientOf(examination: Examination, signal: AbortSignal): Patient {
  const env = restored(examination.env);
  const { paths, cwd } = examination;
  const [npm, node] = ['npm', 'node'].map((name) => findTool(name, env['PATH'], { skip: [paths.shims] }));
  const npmContext: NpmContext = {
    cwd,
    args: [],
    env: setOnly(env),
    ...(npm !== undefined && { npm }),
    ...(node !== undefined && { node }),
  };
  const patient: Patient = {
    ...examination,
    env,
    uid: process.getuid?.(),
    signal,
    agents: once(() => agentsSeen(paths.runtime, signal)),
    npmContext,
    npm: once(() => readNpmSettings(npmContext)),
    asked: once(async () => {
      const settings = env['PYRSIA_OFFLINE'] === '1' ? undefined : await patient.npm().catch(() => undefined);
      return settings ? askUpstreams(settings, { state: paths.state, signal }) : [];
    }),
  };
  return patient;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function setOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}
