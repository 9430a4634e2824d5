/**
 * Guards that must not fall silently: each is taken out in turn, and the tests named with it have to notice.
 *
 * Add one for every line whose absence would let wrong bytes, a stranger or a secret through.
 *
 * @module
 */
import { agentGuards } from './mutations/agent.ts';
import { cacheGuards } from './mutations/cache.ts';
import { commandGuards } from './mutations/commands.ts';
import { contentGuards } from './mutations/content.ts';
import { npmGuards } from './mutations/npm.ts';
import { proxyGuards } from './mutations/proxy.ts';
import { resolveGuards } from './mutations/resolve.ts';
import { shimGuards } from './mutations/shims.ts';

/** All of them; the order does not matter. */
export const mutations = [
  ...contentGuards,
  ...cacheGuards,
  ...npmGuards,
  ...resolveGuards,
  ...shimGuards,
  ...proxyGuards,
  ...agentGuards,
  ...commandGuards,
];
