/**
 * npm and npx, as the stand-ins and the agent know them.
 *
 * @module
 */
import type { Tool } from '../ecosystem.ts';
import { npmCalls, npxCalls, settings } from './calls.ts';
import { lockedBy, pinnedBy } from './lockfile.ts';
import { pastUs, redirect } from './redirect.ts';
import { npmStepsAside, npxStepsAside } from './step-aside.ts';

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
  },
  { executable: 'npx', calls: npxCalls, settings, stepAside: npxStepsAside, redirect },
];
