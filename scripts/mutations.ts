/**
 * Guards that must not fall silently: each is taken out in turn, and the tests named with it have to notice.
 *
 * Add one for every line whose absence would let wrong bytes, a stranger or a secret through.
 *
 * @module
 */
import { agentGuards } from './mutations/agent.ts';
import { authorityGuards } from './mutations/authority.ts';
import { cacheGuards } from './mutations/cache.ts';
import { commandGuards } from './mutations/commands.ts';
import { copyGuards } from './mutations/copies.ts';
import { memberGuards } from './mutations/members.ts';
import { peerChoiceGuards } from './mutations/peer-choice.ts';
import { peerHostGuards } from './mutations/peer-host.ts';
import { contentGuards } from './mutations/content.ts';
import { doctorGuards } from './mutations/doctor.ts';
import { fillGuards } from './mutations/fill.ts';
import { discoveryGuards } from './mutations/discovery.ts';
import { dockerGuards } from './mutations/docker.ts';
import { gatheringGuards } from './mutations/gathering.ts';
import { imageGuards } from './mutations/images.ts';
import { launchGuards } from './mutations/launches.ts';
import { leavingGuards } from './mutations/leaving.ts';
import { logGuards } from './mutations/log.ts';
import { mavenGuards } from './mutations/maven.ts';
import { npmGuards } from './mutations/npm.ts';
import { peerGuards } from './mutations/peers.ts';
import { wireGuards } from './mutations/peer-wire.ts';
import { proxyGuards } from './mutations/proxy.ts';
import { quickWayGuards } from './mutations/quick-way.ts';
import { resolveGuards } from './mutations/resolve.ts';
import { shellFileGuards } from './mutations/shell-files.ts';
import { shimGuards } from './mutations/shims.ts';
import { standInGuards } from './mutations/stand-in.ts';

/** All of them; the order does not matter. */
export const mutations = [
  ...contentGuards,
  ...cacheGuards,
  ...npmGuards,
  ...resolveGuards,
  ...shimGuards,
  ...standInGuards,
  ...quickWayGuards,
  ...launchGuards,
  ...shellFileGuards,
  ...leavingGuards,
  ...doctorGuards,
  ...peerGuards,
  ...copyGuards,
  ...proxyGuards,
  ...agentGuards,
  ...fillGuards,
  ...discoveryGuards,
  ...dockerGuards,
  ...imageGuards,
  ...logGuards,
  ...authorityGuards,
  ...mavenGuards,
  ...commandGuards,
  ...memberGuards,
  ...peerChoiceGuards,
  ...peerHostGuards,
  ...wireGuards,
  ...gatheringGuards,
];
