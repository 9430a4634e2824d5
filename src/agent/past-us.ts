/**
 * What an install fetches past us: a tool that is led to us may all the same take what its lockfile or a document has
 * at other hosts from there. We never see that, but can say beforehand which packages those are.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises';
import { purlOf } from '../content/coordinates.ts';
import type { Ecosystem, Locked, PinnedContent, Tool } from '../ecosystems/ecosystem.ts';
import { heldBefore } from '../shims/npm-cache-folder.ts';
import { lockOf } from './pinned.ts';
import type { Plan } from './sessions.ts';

/**
 * Enters into a launch's account what its tool has to fetch past us: what is to be installed, is at an address
 * of its lockfile that is not led to us, and is not in the tool's own cache. Never rejects.
 */
export async function findPastUs(ecosystem: Ecosystem, tool: Tool, plan: Plan): Promise<void> {
  const { install, lockedHosts } = plan.settings;
  const note = noterOf(ecosystem, tool, plan);
  if (!install || !note) return;
  // Most lockfiles name one host, and need not be read.
  if (lockedHosts.every((host) => note.because(new URL(`https://${host}/`)) === undefined)) return;

  // Whoever waits for an answer comes first.
  await turn();
  const lock = await lockOf(install);
  note.those((lock && tool.lockedBy?.(lock.text, lock.terms)) ?? []);
}

/** Passes on what is found out by following a tool, and enters what of it goes past us. */
export async function* notingPastUs(
  ecosystem: Ecosystem,
  tool: Tool,
  plan: Plan,
  followed: AsyncIterable<readonly PinnedContent[]>,
): AsyncIterable<readonly PinnedContent[]> {
  const note = noterOf(ecosystem, tool, plan);
  for await (const batch of followed) {
    note?.those(
      batch.flatMap(({ digest, packages }) =>
        packages.flatMap(({ resolved, ...each }) =>
          resolved === undefined ? [] : { ...each, resolved, digest },
        ),
      ),
    );
    yield batch;
  }
}

/** Enters what goes past us into the account of an install; undefined where nobody can tell what does. */
function noterOf({ name: ecosystem }: Ecosystem, tool: Tool, { settings, redirection, session }: Plan) {
  const { install, upstreams: registries } = settings;
  if (!install || !redirection || !settings.replacing) return undefined;
  const replacing = { ...settings.replacing, registries };
  const startedAt = Date.now();
  const because = (url: URL): string | undefined => tool.pastUs?.(redirection, replacing, url);
  return {
    because,
    those(packages: readonly Locked[]): void {
      const past = packages.flatMap(({ name, version, resolved, digest }) => {
        const url = URL.parse(resolved);
        const reason = url ? because(url) : undefined;
        if (!url || reason === undefined || (digest && heldBefore(install.cache, digest, startedAt)))
          return [];
        return [{ purl: purlOf({ ecosystem, name, version }), host: url.host, reason }];
      });
      if (past.length > 0) session.reporter.pastUs(past);
    },
  };
}
