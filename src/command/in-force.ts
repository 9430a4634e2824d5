/**
 * Telling when a changed setting takes effect.
 *
 * @module
 */
import { isKey, settingOf } from '../config/settings.ts';
import type { Session } from '../session.ts';
import { renewPeers } from './peer-talk.ts';
import { say } from './talk.ts';

/** Puts settings in force where an agent is running, and says what is to be done where it has read them when it started. */
export async function sayWhenInForce(session: Session, keys: readonly string[]): Promise<void> {
  if (keys.some((key) => /^(peers|share)\b/.test(key))) await renewPeers(session);
  const readAtStart = keys.filter((key) => isKey(key) && settingOf(key).readAtStart);
  if (readAtStart.length === 0 || !(await session.runningAgent())) return;
  say(
    `The running agent keeps its ${readAtStart.join(', ')}; after pyrsia agent stop the next one has the new`,
  );
}
