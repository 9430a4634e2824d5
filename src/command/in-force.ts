/**
 * Telling when a changed setting takes effect.
 *
 * @module
 */
import { isKey, settingOf } from '../config/settings.ts';
import type { Session } from '../session.ts';
import { say } from './talk.ts';

/** Says what is to be done where an agent is running that has read one of these settings when it started. */
export async function sayWhenInForce(session: Session, keys: readonly string[]): Promise<void> {
  const readAtStart = keys.filter((key) => isKey(key) && settingOf(key).readAtStart);
  if (readAtStart.length === 0 || !(await session.runningAgent())) return;
  say(
    `The running agent keeps its ${readAtStart.join(', ')}; after pyrsia agent stop the next one has the new`,
  );
}
