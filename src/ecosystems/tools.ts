/**
 * The tools of all ecosystems as they are called. What only the agent has to know of them is left out: it takes longer
 * to load than many a tool runs.
 *
 * @module
 */
import type { CalledTool } from './ecosystem.ts';
import { calledNpm, calledNpx } from './npm/called.ts';
import { imageTools } from './oci/tools.ts';

/** Those that have stand-ins. */
export const tools: readonly CalledTool[] = [calledNpm, calledNpx];

/** Those that can be led to us. */
export const wrappable: readonly CalledTool[] = [...tools, ...imageTools];
