/**
 * What launches fetched and the log of the user's network does not know, submitted to the authorities of that network.
 *
 * @module
 */
import { openPost } from '../authority/ask-authority.ts';
import { publicArtifact } from '../authority/observing.ts';
import { submitTo } from '../authority/submit.ts';
import { isPyrsiaError } from '../errors.ts';
import type { Paths } from '../paths.ts';
import { openUpstreams, type Upstreams } from '../proxy/upstream.ts';
import { proxiesIn } from '../shims/proxies.ts';
import { networkOf } from '../trust/network-of.ts';
import { type Ended, openSubmitting, type Submitting } from './submitting.ts';

/** How long an authority may be silent, in milliseconds: as long as others may take to cosign. */
const SILENCE_MS = 2 * 60_000;

/** Submits to whatever network the user belongs to at the moment. `onDone` is told when the log has all that waited. */
export function submitFetched(parts: {
  readonly paths: Paths;
  readonly onDone: () => void;
  readonly log: (text: string) => void;
}): Submitting {
  let upstreams: Upstreams | undefined;

  async function submit(purl: string, signal: AbortSignal): Promise<Ended> {
    const url = networkOf(parts.paths)?.policy.logs[0]?.url;
    const artifact = await publicArtifact(purl).catch((error: unknown) => {
      if (isPyrsiaError(error)) return undefined;
      throw error;
    });
    // What is called otherwise by who looks at it would be something else in the log.
    if (url === undefined || artifact?.where.purl !== purl) return 'left';
    upstreams ??= openUpstreams({ silenceMs: SILENCE_MS });
    const post = openPost(upstreams.ask, { strictSsl: true, ...proxiesIn(process.env) });
    const submission = await submitTo(url, artifact, post, signal);
    if ('waitS' in submission) return { waitMs: submission.waitS * 1000 };
    return 'refused' in submission ? 'left' : 'final';
  }

  const submitting = openSubmitting({ ...parts, submit, now: Date.now });
  return {
    ...submitting,
    async close() {
      await submitting.close();
      await upstreams?.[Symbol.asyncDispose]();
    },
  };
}
