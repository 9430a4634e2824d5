/**
 * That the agent is to stay, also when nobody needs it here: so that others have what it has, at any time.
 *
 * @module
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';

/** Whether the agent of this state directory is to stay. */
export function isResident(state: string): boolean {
  return existsSync(recordIn(state));
}

/** Notes that it is to stay, or no longer. Tells whether that is new. */
export function keepResident(state: string, stays: boolean): boolean {
  if (isResident(state) === stays) return false;
  if (stays) {
    makeOurs(state);
    writeFileSync(recordIn(state), '', { mode: 0o600 });
  } else rmSync(recordIn(state), { force: true });
  return true;
}

const recordIn = (state: string): string => join(state, 'resident');
