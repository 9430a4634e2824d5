/**
 * The tools of all ecosystems as they are called. What only the agent has to know of them is left out: it takes longer
 * to load than many a tool runs.
 *
 * @module
 */
import type { CalledTool } from './ecosystem.ts';
import { calledMvn } from './maven/called.ts';
import { calledGradle } from './maven/gradle.ts';
import { calledNpm, calledNpx } from './npm/called.ts';
import { docker } from './oci/docker.ts';
import { imageTools } from './oci/tools.ts';

/** Those that have stand-ins, and can be led to us. */
export const tools: readonly CalledTool[] = [
  calledNpm,
  calledNpx,
  calledMvn,
  calledGradle,
  ...imageTools,
  docker,
];

/** Whether a stand-in knows calls of it that fetch, which it leads by an answer that lies ready. */
export function hasQuickWay({ calls: { fetching, anyWord } }: Pick<CalledTool, 'calls'>): boolean {
  return fetching.length > 0 || anyWord === true;
}
