/**
 * The tools of all ecosystems as they are called. What only the agent has to know of them is left out: it takes longer
 * to load than many a tool runs.
 *
 * @module
 */
import type { CalledTool } from './ecosystem.ts';
import { calledNpm, calledNpx } from './npm/called.ts';

export const tools: readonly CalledTool[] = [calledNpm, calledNpx];
