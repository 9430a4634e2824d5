/**
 * What an install fetches past us: a tool that is led to us may all the same take what its lockfile has at
 * other hosts from there. We never see that, but can say beforehand which packages those are.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises';
import { purlOf } from '../content/coordinates.ts';
import type { Ecosystem, Tool } from '../ecosystems/ecosystem.ts';
import { heldBefore } from '../shims/npm-cache-folder.ts';
import { lockOf } from './pinned.ts';
import type { Plan } from './sessions.ts';

/**
 * Enters into a launch's account what its tool has to fetch past us: what is to be installed, is at an address
 * of its lockfile that is not led to us, and is not in the tool's own cache. Never rejects.
 */
export async function findPastUs({ name: ecosystem }: Ecosystem, tool: Tool, plan: Plan): Promise<void> {
  const { settings, redirection, session } = plan;
  const { install, lockedHosts, upstreams: registries } = settings;
  if (!install || !redirection || !settings.replacing) return;
  const replacing = { ...settings.replacing, registries };
  const because = (url: URL): string | undefined => tool.pastUs?.(redirection, replacing, url);
  // Most lockfiles name one host, and need not be read.
  if (lockedHosts.every((host) => because(new URL(`https://${host}/`)) === undefined)) return;

  const startedAt = Date.now();
  // Whoever waits for an answer comes first.
  await turn();
  const lock = await lockOf(install);
  const locked = (lock && tool.lockedBy?.(lock.text, lock.terms)) ?? [];
  const past = locked.flatMap(({ name, version, resolved, digest }) => {
    const url = URL.parse(resolved);
    const reason = url ? because(url) : undefined;
    if (!url || reason === undefined || (digest && heldBefore(install.cache, digest, startedAt))) return [];
    return [{ purl: purlOf({ ecosystem, name, version }), host: url.host, reason }];
  });
  session.reporter.pastUs(past);
}
