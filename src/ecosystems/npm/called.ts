/**
 * npm and npx, as the stand-ins know them. A run of a tool waits until this is loaded.
 *
 * @module
 */
import type { CalledTool } from '../ecosystem.ts';
import { npmCalls, npxCalls, settings } from './calls.ts';
import { npmStepsAside, npxStepsAside } from './step-aside.ts';

export const calledNpm: CalledTool = {
  executable: 'npm',
  calls: npmCalls,
  settings,
  stepAside: npmStepsAside,
};

export const calledNpx: CalledTool = {
  executable: 'npx',
  calls: npxCalls,
  settings,
  stepAside: npxStepsAside,
};
