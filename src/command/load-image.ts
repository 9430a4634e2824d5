/**
 * Handing an image to the user's engine, by letting it pull from us, so that it keeps its digests.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fullName, parseImage } from '../ecosystems/oci/reference.ts';
import type { Session } from '../session.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { runWrapped } from './run-wrapped.ts';

/** How long an engine may take to say that it is there: 3 s. */
const ANSWER_TIMEOUT_MS = 3000;

/**
 * Has podman pull `reference` through us; resolves to the engine's name, or to why there is none that could. What
 * is here already is not fetched again.
 */
export async function loadImage(
  session: Session,
  reference: string,
  platform: string | undefined,
): Promise<{ readonly engine: string } | { readonly reason: string }> {
  const env = restored(session.env);
  const podman = findTool('podman', env['PATH'], { skip: [session.paths.shims], cwd: session.cwd });
  if (podman === undefined) return { reason: 'there is no podman' };
  const isThere = promisify(execFile)(podman, ['version'], { env, timeout: ANSWER_TIMEOUT_MS });
  if (
    !(await isThere.then(
      () => true,
      () => false,
    ))
  )
    return { reason: 'podman does not answer' };
  const args = [
    'pull',
    '-q',
    ...(platform === undefined ? [] : ['--platform', platform]),
    fullName(parseImage(reference)),
  ];
  const { code, error } = await runWrapped(session, ['podman', ...args], { stdout: 'stderr' });
  return code === 0 ? { engine: 'podman' } : { reason: `podman could not: ${error ?? `exit code ${code}`}` };
}
