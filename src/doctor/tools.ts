import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { tools } from '../ecosystems/tools.ts';

/** The tools that there are shims for. */
export const TOOLS: readonly CalledTool[] = tools;
