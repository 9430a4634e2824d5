/**
 * What a launch's lockfile pins, and which of it is known so well that the proxy would deliver it without
 * asking anybody.
 *
 * @module
 */
import { readFile, stat } from 'node:fs/promises';
import type { Wanted } from '../content/descriptor.ts';
import { contradiction, type Digest } from '../content/digest.ts';
import type { InstallTerms, Pinned, PinnedContent, Tool } from '../ecosystems/ecosystem.ts';
import type { ArtifactService, Known } from '../proxy/artifacts.ts';
import type { Upstream } from '../proxy/asker.ts';
import { libcHere } from '../shims/libc.ts';
import type { InstallSettings } from '../shims/settings.ts';
import type { Plan } from './sessions.ts';

/** The most bytes of a lockfile that are read for this: 32 MiB. */
const LOCKFILE_LIMIT = 32 * 2 ** 20;

/** Content that is sure to be every package that the lockfile says it is. */
export interface Sure {
  readonly digest: Digest;
  readonly wanted: Wanted;
  /** What is known of each of the packages. */
  readonly known: readonly Known[];
  /** Length in bytes, as far as it is known. */
  readonly size: number;
}

/** What the lockfile of an install pins; nothing where there is none that can be read. */
async function pinnedFor(install: InstallSettings, tool: Tool): Promise<readonly PinnedContent[]> {
  const lock = await lockOf(install);
  return (lock && tool.pinnedBy?.(lock.text, lock.terms)) ?? [];
}

/** The lockfile of an install, and on which terms it is installed; undefined where there is none that can be read. */
export async function lockOf({
  lockfiles,
  installed,
  omit,
  os,
  cpu,
  libc,
}: InstallSettings): Promise<{ readonly text: string; readonly terms: InstallTerms } | undefined> {
  let text: string | undefined;
  for (const path of lockfiles) text ??= await textOf(path);
  if (!text) return undefined;
  const there = installed === undefined ? undefined : await textOf(installed);
  const c = libc ?? (text.includes('"libc"') ? libcHere() : undefined);
  const terms = {
    omit,
    os,
    cpu,
    ...(c === undefined ? {} : { libc: c }),
    ...(there ? { installed: there } : {}),
  };
  return { text, terms };
}

/**
 * What an install looks for in the tool's own cache: first what its lockfile pins, then what is found out by
 * following it as it chooses.
 */
export async function* neededFor(
  install: InstallSettings,
  tool: Tool,
  followed?: AsyncIterable<readonly PinnedContent[]>,
): AsyncIterable<readonly PinnedContent[]> {
  yield await pinnedFor(install, tool);
  if (followed) yield* followed;
}

/** The text of a file; empty for one that cannot be taken, undefined where there is none. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    // A pipe or a device might never end.
    return found.isFile() && found.size <= LOCKFILE_LIMIT ? await readFile(path, 'utf8') : '';
  } catch {
    return undefined;
  }
}

/**
 * That of it which is sure. The tool takes content for whatever names its digest: where one of its names is in
 * doubt, the tool has to ask for all of them.
 */
export function sureOf(
  artifacts: Pick<ArtifactService, 'knownOf'>,
  { askerFor, settings }: Pick<Plan, 'askerFor' | 'settings'>,
  { digest, packages }: PinnedContent,
): Sure | undefined {
  const known: Known[] = [];
  for (const each of packages) {
    const asker = askerFor(each.name.startsWith('@') ? each.name.split('/')[0] : undefined);
    if (!asker || !isKeptAt(asker.upstream, settings.replacedHost, each)) return undefined;
    const { name, version } = each;
    const coordinates = { ecosystem: asker.upstream.ecosystem.name, name, version };
    const found = artifacts.knownOf(asker, { coordinates, claimed: digest });
    if (!found) return undefined;
    known.push(found);
  }
  const digests = [...new Set(known.flatMap(({ wanted }) => wanted.digests))];
  if (contradiction(digests, digests)) return undefined;
  return { digest, wanted: { digests }, known, size: Math.max(...known.map(({ size = 0 }) => size)) };
}

/** Whether it is this upstream that would be asked for a package, and for this very one. */
function isKeptAt(
  { url: registry, ecosystem }: Upstream,
  replacedHost: string | undefined,
  { name, version, resolved }: Pinned,
): boolean {
  if (resolved === undefined) return true;
  const url = URL.parse(resolved);
  if (!url) return false;
  const isOwn = url.host === registry.host && url.pathname.startsWith(registry.pathname);
  if (!isOwn && url.host !== replacedHost) return false;
  const path = isOwn ? url.pathname.slice(registry.pathname.length - 1) : url.pathname;
  const route = ecosystem.registry.route('GET', path, url.search.slice(1), {});
  if (route.kind !== 'artifact') return false;
  const { coordinates } = route;
  return coordinates.name === name && coordinates.version === version;
}
