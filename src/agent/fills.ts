/**
 * The fills of the launches that are running: each begins when its launch is taken up.
 *
 * @module
 */
import { fill, type FillParts } from './fill.ts';
import type { Followings } from './following.ts';
import { openHeadStart } from './head-start.ts';
import { findPastUs, notingPastUs } from './past-us.ts';
import { toolOf } from './plan-launch.ts';
import type { Plan } from './sessions.ts';
import type { Launch } from '../shims/launch.ts';
import { umaskOf } from '../shims/process-environment.ts';

/** The fills of one agent. */
export interface Fills {
  /** Begins what a launch is filled with until it is `over`. Resolves when its tool may start; undefined: at once. */
  begin(this: void, launch: Launch, planned: Plan, over: AbortSignal): Promise<void> | undefined;
  /** Resolves when those that have begun have ended. */
  ended(): Promise<void>;
}

/** Nothing is filled so far. */
export function openFills(
  parts: Omit<FillParts, 'umask'> & {
    readonly followings: Followings;
    /** Told where a tool is held back. */
    waits(this: void): void;
  },
): Fills {
  const fills = new Set<Promise<void>>();

  return {
    begin(launch, planned, over) {
      const [ecosystem, tool] = toolOf(launch.tool);
      const followed = parts.followings.open(tool, planned, over);
      // Who has an answer already runs.
      const headStart = launch.generation === undefined ? openHeadStart(over, parts.waits) : undefined;
      const filling = fill({ ...parts, umask: () => umaskOf(launch.pid) }, tool, planned, over, {
        ...(followed && { followed: notingPastUs(ecosystem, tool, planned, followed) }),
        ...(headStart && { headStart }),
      });
      void findPastUs(ecosystem, tool, planned);
      fills.add(filling);
      void filling.finally(() => fills.delete(filling));
      return headStart?.over;
    },
    ended: async () => void (await Promise.all(fills)),
  };
}
