/**
 * The tools of all ecosystems, without the rest of them, which takes longer to load than many a tool runs.
 *
 * @module
 */
import type { Tool } from './ecosystem.ts';
import { npmTools } from './npm/tools.ts';

export const tools: readonly Tool[] = [...npmTools];
