/**
 * npm and npx, as the stand-ins and the agent know them.
 *
 * @module
 */
import type { Choice, Follower, InstallTerms, Tool } from '../ecosystem.ts';
import { npmCalls, npxCalls, settings } from './calls.ts';
import { lockedBy, pinnedBy } from './lockfile.ts';
import { pastUs, redirect } from './redirect.ts';
import { npmStepsAside, npxStepsAside } from './step-aside.ts';

/** It is slow to import: npm's own libraries choose. */
async function follow(choice: Choice, terms: InstallTerms): Promise<Follower> {
  return (await import('./follow.ts')).follow(choice, terms);
}

export const npmTools: readonly Tool[] = [
  {
    executable: 'npm',
    calls: npmCalls,
    settings,
    stepAside: npmStepsAside,
    redirect,
    pinnedBy,
    lockedBy,
    pastUs,
    follow,
  },
  { executable: 'npx', calls: npxCalls, settings, stepAside: npxStepsAside, redirect, follow },
];
