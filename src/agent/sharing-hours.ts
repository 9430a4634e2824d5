/**
 * With whom this machine shares at a time: outside the hours that its user has set, with nobody.
 *
 * @module
 */
import { isWithin } from '../config/hours.ts';
import type { Config } from '../config/settings.ts';
import type { Share } from '../p2p/contract.ts';

/** How often it is looked what time it is, in milliseconds. */
const LOOK_MS = 10_000;

/** With whom, at this time. */
export function shareAt(settings: Pick<Config, 'share' | 'share.hours'>, at: Date): Share {
  return isWithin(settings['share.hours'], at) ? settings.share : 'off';
}

/** Calls `changed` whenever it is another, until what is returned is called. Keeps no process running. */
export function watchShare(read: () => Share, changed: () => void): () => void {
  let last = read();
  const timer = setInterval(() => {
    const share = read();
    if (share === last) return;
    last = share;
    changed();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
