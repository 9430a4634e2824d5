import type { Tool } from '../ecosystems/ecosystem.ts';
import { ecosystems } from '../ecosystems/index.ts';

/** The tools that there are shims for. */
export const TOOLS: readonly Tool[] = ecosystems.flatMap(({ tools }) => tools);
