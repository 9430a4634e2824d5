/**
 * Handing an image to the user's engine, by letting it pull from us, so that it keeps its digests; where that is
 * docker and its daemon cannot reach us, by letting it load a file.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PulledImage } from '../control/protocol.ts';
import { fullName, parseImage } from '../ecosystems/oci/reference.ts';
import type { Session } from '../session.ts';
import { findDaemon } from '../shims/docker-daemon.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { runTool, type ToolResult } from '../shims/run-tool.ts';
import { writeImage } from './image-archive.ts';
import { runWrapped, type Wrapped } from './run-wrapped.ts';

/** How long an engine may take to say that it is there: 3 s. */
const ANSWER_TIMEOUT_MS = 3000;

/** An engine that has an image now, and from whom where that is known; or why none has. */
export type Loaded =
  | { readonly engine: string; readonly from?: 'pyrsia' | 'a file' }
  | { readonly reason: string };

/** How each engine is asked whether it is there: docker's client alone is none. */
const ENGINES = [
  ['docker', ['version', '--format', '{{.Server.Version}}']],
  ['podman', ['version']],
] as const;

/**
 * Has docker pull an image through us, or where there is none podman; resolves to the engine's name, or to why there
 * is none that could. What is here already is not fetched again.
 */
export async function loadImage(
  session: Session,
  pulled: PulledImage,
  platform: string | undefined,
): Promise<Loaded> {
  const env = restored(session.env);
  const reasons: string[] = [];
  for (const [engine, question] of ENGINES) {
    const path = findTool(engine, env['PATH'], { skip: [session.paths.shims], cwd: session.cwd });
    if (path === undefined) {
      reasons.push(`there is no ${engine}`);
      continue;
    }
    const isThere = await promisify(execFile)(path, question, { env, timeout: ANSWER_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
    if (isThere) return loadInto(session, { engine, path, env }, pulled, platform);
    reasons.push(`${engine} does not answer`);
  }
  return { reason: reasons.join(', ') };
}

/** An engine that answers. */
interface Engine {
  readonly engine: string;
  /** Absolute. */
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

async function loadInto(
  session: Session,
  { engine, path, env }: Engine,
  pulled: PulledImage,
  platform: string | undefined,
): Promise<Loaded> {
  const args = [
    'pull',
    '-q',
    ...(platform === undefined ? [] : ['--platform', platform]),
    fullName(parseImage(pulled.image.reference)),
  ];
  const isElsewhere = engine === 'docker' && 'reason' in findDaemon([], env);
  const result: Wrapped = isElsewhere
    ? { code: 1 }
    : await runWrapped(session, [engine, ...args], { stdout: 'stderr', passes: true });
  if (result.code === 0) return { engine, ...(result.receipt?.totals.artifacts && { from: 'pyrsia' }) };
  const last = engine === 'docker' ? await loadFile(path, env, pulled) : result;
  const { code, signal, error } = last;
  if (code === 0) return { engine, from: 'a file' };
  return { reason: `${engine} could not: ${error ?? (signal ? `ended by ${signal}` : `exit code ${code}`)}` };
}

/** Has docker load the image from a file, as a client sends it to wherever its daemon is. */
async function loadFile(docker: string, env: NodeJS.ProcessEnv, pulled: PulledImage): Promise<ToolResult> {
  const directory = await mkdtemp(join(tmpdir(), 'pyrsia-'));
  try {
    const file = await writeImage(pulled, { kind: 'docker-archive', path: join(directory, 'image.tar') });
    return await runTool(docker, ['load', '-q', '-i', file], { env, stdout: 'stderr' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
