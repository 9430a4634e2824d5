/**
 * What a project's own `mvnw` runs, fetched through us before the script looks for it.
 *
 * @module
 */
import { dirname } from 'node:path';
import { type ErrorCode, PyrsiaError } from '../errors.ts';
import type { Session } from '../session.ts';
import { relevantOf } from '../shims/launch.ts';
import { isThere, readWrapper, unpackWrapped } from '../shims/maven-wrapper.ts';
import { say } from './talk.ts';

/** With these the script itself may have more luck. */
const LEFT_TO_IT: ReadonlySet<ErrorCode> = new Set([
  'AGENT_UNAVAILABLE',
  'AGENT_REFUSED',
  'CACHE_READ_ONLY',
  'CREDENTIALS_NEEDED',
  'NOT_FOUND',
  'UPSTREAM_FAILED',
]);

/**
 * Brings the Maven that `script` runs to where the script looks for it. Where that is there already, where `script` is
 * none that we know, and where we cannot, the script does what it does without us.
 *
 * @throws PyrsiaError when it was refused, or nobody may be asked for it
 */
export async function fetchWrapped(session: Session, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const wrapped = await readWrapper(script, env);
  if (!wrapped || (await isThere(wrapped.home))) return;
  const reference = `maven:org.apache.maven:apache-maven:${wrapped.version}:zip:bin`;
  try {
    const agent = await session.agent();
    const pulled = await agent.call('pull', {
      reference,
      cwd: dirname(script),
      env: relevantOf(env),
      distribution: true,
    });
    if ('image' in pulled) return;
    await unpackWrapped(wrapped, pulled.path);
    say(`Maven ${wrapped.version}, which mvnw runs: ${pulled.source}`);
  } catch (error) {
    if (error instanceof PyrsiaError && !LEFT_TO_IT.has(error.code)) throw error;
    say(
      `mvnw fetches Maven ${wrapped.version} without pyrsia: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
