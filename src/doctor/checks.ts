/**
 * All checks, in the order in which their findings are told.
 *
 * @module
 */
import { lookAtAgent } from './agent.ts';
import { lookAtCatalogue } from './cache-catalogue.ts';
import { lookAtRoom } from './cache-room.ts';
import { lookAtClock } from './clock.ts';
import { lookAtDocker } from './docker.ts';
import type { Check } from './finding.ts';
import { lookAtNode, lookForOthers } from './installation.ts';
import { lookForLeftovers } from './leftovers.ts';
import { lookAtNpmCache } from './npm-cache.ts';
import { lookForOwnRegistry } from './own-registry.ts';
import { lookWhose } from './owner.ts';
import { lookAtPath } from './path-order.ts';
import { lookAtMembership, lookAtSaid, lookForPeers } from './peers.ts';
import { lookAtPorts } from './ports.ts';
import { lookWhereItIs, lookWhetherPrivate, lookWhetherQuick } from './runtime.ts';
import { lookAtSettings, lookWhetherOn } from './settings.ts';
import { lookAtShellFiles } from './shell-files.ts';
import { lookAtShims } from './shims.ts';
import { lookAtUpstreams } from './upstream.ts';
import { lookWhetherCacheWritable, lookWhetherStateWritable } from './writable.ts';

/** Every check there is. */
export const CHECKS: readonly Check[] = [
  { name: 'shims', group: 'shims', look: lookAtShims },
  { name: 'order of the PATH', group: 'path', look: lookAtPath },
  { name: "shell's files", group: 'path', look: lookAtShellFiles },
  { name: 'other installations', group: 'installation', look: lookForOthers },
  { name: 'Node', group: 'installation', look: lookAtNode },
  { name: 'agent', group: 'agent', look: lookAtAgent },
  { name: 'leftovers', group: 'agent', look: lookForLeftovers },
  { name: 'ports', group: 'agent', look: lookAtPorts },
  { name: "docker's daemon", group: 'agent', look: lookAtDocker },
  { name: 'privacy of the runtime directory', group: 'runtime', look: lookWhetherPrivate },
  { name: 'place of the runtime directory', group: 'runtime', look: lookWhereItIs },
  { name: 'quick way', group: 'runtime', look: lookWhetherQuick },
  { name: 'owner', group: 'cache', look: lookWhose },
  { name: 'writable cache', group: 'cache', look: lookWhetherCacheWritable },
  { name: 'writable state', group: 'cache', look: lookWhetherStateWritable },
  { name: 'room', group: 'cache', look: lookAtRoom },
  { name: 'catalogue', group: 'cache', look: lookAtCatalogue },
  { name: "npm's own cache", group: 'cache', look: lookAtNpmCache },
  { name: 'registries', group: 'upstream', look: lookAtUpstreams },
  { name: 'registry that is ours', group: 'upstream', look: lookForOwnRegistry },
  { name: 'neighbours', group: 'peers', look: lookForPeers },
  { name: 'what was said of peers', group: 'peers', look: lookAtSaid },
  { name: 'membership', group: 'peers', look: lookAtMembership },
  { name: 'clock', group: 'upstream', look: lookAtClock },
  { name: 'settings', group: 'settings', look: lookAtSettings },
  { name: 'switches', group: 'settings', look: lookWhetherOn },
];
