/**
 * The fills of the launches that are running: each begins when its launch is taken up.
 *
 * @module
 */
import { fill, type FillParts } from './fill.ts';
import { fillLocal, type FillLocalParts } from './fill-local.ts';
import type { Followings } from './following.ts';
import { openHeadStart } from './head-start.ts';
import { findPastUs, notingPastUs } from './past-us.ts';
import { toolOf } from './plan-launch.ts';
import type { Projects } from './projects.ts';
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
  parts: Omit<FillParts & FillLocalParts, 'umask'> & {
    readonly followings: Followings;
    readonly projects: Projects;
    /** Why nothing can be remembered. */
    readonly readOnlyBecause: (this: void) => string | undefined;
    /** Told where a tool is held back. */
    waits(this: void): void;
  },
): Fills {
  const fills = new Set<Promise<void>>();
  const track = (work: Promise<void>): void => {
    fills.add(work);
    void work.finally(() => fills.delete(work));
  };

  /** What builds of the same project asked for is put where its tool looks first, and what this one asks for is remembered. */
  function beginBuild({ pid }: Launch, planned: Plan, over: AbortSignal): void {
    const { build } = planned.settings;
    if (!build || !planned.redirection) return;
    const { projects, readOnlyBecause } = parts;
    const before = projects.read(build);
    track(fillLocal({ ...parts, umask: () => umaskOf(pid) }, planned, before, over));
    const learn = async (): Promise<void> =>
      projects.learn(build, before, planned.session.receipt().artifacts);
    if (readOnlyBecause() === undefined) over.addEventListener('abort', () => track(learn()), { once: true });
  }

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
      track(filling);
      beginBuild(launch, planned, over);
      return headStart?.over;
    },
    ended: async () => void (await Promise.all(fills)),
  };
}
