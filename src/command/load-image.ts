/**
 * Handing an image to the user's engine, by letting it pull from us, so that it keeps its digests; where that is
 * docker and its daemon cannot reach us, or has another image by then, by letting it load a file.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseDigest } from '../content/digest.ts';
import type { PulledImage } from '../control/protocol.ts';
import { isImageConfig } from '../ecosystems/oci/media-types.ts';
import { fullName, type ImageReference, parseImage } from '../ecosystems/oci/reference.ts';
import type { Session } from '../session.ts';
import { findDaemon } from '../shims/docker-daemon.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { runTool, type ToolResult } from '../shims/run-tool.ts';
import { writeImage } from './image-archive.ts';
import { goneWhenEnded } from './half-written.ts';
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
  if (!pulled.image.manifests.some(({ config }) => isImageConfig(config.mediaType)))
    return { reason: 'it is no image' };
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
  const image = parseImage(pulled.image.reference);
  const args = ['pull', '-q', ...(platform === undefined ? [] : ['--platform', platform])];
  const isElsewhere = engine === 'docker' && 'reason' in findDaemon([], env);
  const through = async (name: string): Promise<Wrapped> =>
    runWrapped(session, [engine, ...args, name], { stdout: 'stderr', passes: true });
  let result: Wrapped = isElsewhere ? { code: 1 } : await through(fullName(image));
  // A tag may mean something else by now, which is not what was proven.
  if (result.code === 0 && !(await hasProven({ path, env }, image, pulled))) {
    const pinned = fullName({ ...image, digest: parseDigest(pulled.digest) });
    result = engine === 'docker' ? { code: 1 } : await through(pinned);
    if (result.code === 0)
      result = { ...result, ...(await runTool(path, ['tag', pinned, fullName(image)], { env })) };
  }
  if (result.code === 0) return { engine, ...(result.receipt?.totals.artifacts && { from: 'pyrsia' }) };
  const last = engine === 'docker' ? await loadFile(path, env, pulled) : result;
  const { code, signal, error } = last;
  if (code === 0) return { engine, from: 'a file' };
  return { reason: `${engine} could not: ${error ?? (signal ? `ended by ${signal}` : `exit code ${code}`)}` };
}

/**
 * Whether what an engine has under `name` is the image that was pulled: it knows an image by its configuration, or with
 * containerd's store by its manifest.
 */
async function hasProven(
  { path, env }: Pick<Engine, 'path' | 'env'>,
  image: ImageReference,
  { digest, image: { manifests } }: PulledImage,
): Promise<boolean> {
  if (image.digest !== undefined) return true;
  const said = await promisify(execFile)(path, ['image', 'inspect', '--format', '{{.Id}}', fullName(image)], {
    env,
    timeout: ANSWER_TIMEOUT_MS,
  }).catch(() => undefined);
  const id = said?.stdout.trim().replace(/^(?:sha256:)?/, 'sha256:');
  return [digest, ...manifests.flatMap((each) => [each.digest, each.config.digest])].some(
    (each) => each === id,
  );
}

/** Has docker load the image from a file, as a client sends it to wherever its daemon is. */
async function loadFile(docker: string, env: NodeJS.ProcessEnv, pulled: PulledImage): Promise<ToolResult> {
  const directory = await mkdtemp(join(tmpdir(), 'pyrsia-'));
  const release = goneWhenEnded(directory);
  try {
    const file = await writeImage(pulled, { kind: 'docker-archive', path: join(directory, 'image.tar') });
    // A signal is docker's from here on.
    release();
    return await runTool(docker, ['load', '-q', '-i', file], { env, stdout: 'stderr' });
  } finally {
    release();
    await rm(directory, { recursive: true, force: true });
  }
}
