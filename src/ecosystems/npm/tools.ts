/**
 * npm and npx, as the agent knows them.
 *
 * @module
 */
import type { Choice, Follower, InstallTerms, Tool } from '../ecosystem.ts';
import { calledNpm, calledNpx } from './called.ts';
import { besidesIn, lockedBy, pinnedBy } from './lockfile.ts';
import { pastUs, redirect } from './redirect.ts';

/** It is slow to import: npm's own libraries choose. */
async function follow(choice: Choice, terms: InstallTerms): Promise<Follower> {
  return (await import('./follow.ts')).follow(choice, terms);
}

export const npmTools: readonly Tool[] = [
  { ...calledNpm, redirect, pinnedBy, besidesIn, lockedBy, pastUs, follow },
  { ...calledNpx, redirect, follow },
];
