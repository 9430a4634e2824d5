/**
 * Who finds out how a launch can be led to us: that depends on its tool.
 *
 * @module
 */
import type { Ecosystem, Tool } from '../ecosystems/ecosystem.ts';
import { ecosystems } from '../ecosystems/index.ts';
import { docker } from '../ecosystems/oci/docker.ts';
import { oci } from '../ecosystems/oci/oci.ts';
import { hasQuickWay, tools } from '../ecosystems/tools.ts';
import type { Launch } from '../shims/launch.ts';
import { type DockerLaunchParts, planDocker } from './docker-launch.ts';
import { planImages } from './image-sessions.ts';
import { type Caller, type Plan, plan, type SessionParts } from './sessions.ts';

/**
 * Finds out how the tool of a launch can be led to us. Nothing is written yet.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
export async function planLaunch(
  parts: SessionParts & DockerLaunchParts,
  launch: Omit<Launch, 'pid'> & Pick<Caller, 'pid'>,
): Promise<Plan> {
  const [ecosystem, tool] = toolOf(launch.tool);
  if (tool === docker) return planDocker(parts, launch);
  if (ecosystem === oci) return planImages(parts, tool, launch);
  return plan(parts, ecosystem, tool, launch);
}

/** A tool by name. A command that is nobody's (a script, `make`) is led as npm is: by its environment. */
export function toolOf(name: string): readonly [Ecosystem, Tool] {
  for (const ecosystem of ecosystems) {
    const tool = ecosystem.tools.find(({ executable }) => executable === name);
    if (tool) return [ecosystem, tool];
  }
  const [ecosystem] = ecosystems;
  return [ecosystem!, ecosystem!.tools[0]!];
}

/** Whether a stand-in may lead the tool of this name without asking. */
export function isLedQuickly(name: string): boolean {
  return tools.some((tool) => tool.executable === name && hasQuickWay(tool));
}
