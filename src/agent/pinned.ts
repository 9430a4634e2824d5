/**
 * What a launch's lockfile pins, which of it is known so well that the proxy would deliver it without asking
 * anybody, and where the rest is to be had.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Wanted } from '../content/descriptor.ts';
import { contradiction, type Digest } from '../content/digest.ts';
import type { InstallTerms, Pinned, PinnedContent, Tool } from '../ecosystems/ecosystem.ts';
import type { ArtifactRequest, ArtifactService, Known } from '../proxy/artifact-service.ts';
import type { Asker, Upstream } from '../proxy/asker.ts';
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
  if (!followed) return;
  let text: string | undefined;
  for (const path of install.lockfiles) text ??= await textOf(path);
  // The tool takes content for whatever names its digest, in the lockfile too.
  const besides = text === undefined ? (each: PinnedContent) => each : tool.besidesIn?.(text);
  if (besides) for await (const batch of followed) yield batch.flatMap((each) => besides(each) ?? []);
}

/** The text of a file; empty for one that cannot be taken, undefined where there is none. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    // A pipe or a device might never end, and what /proc has may be longer than it says.
    if (!found.isFile() || found.size > LOCKFILE_LIMIT) return '';
    const text = await buffer(createReadStream(path, { end: LOCKFILE_LIMIT }));
    return text.byteLength <= LOCKFILE_LIMIT ? text.toString() : '';
  } catch {
    return undefined;
  }
}

/** A package as it would be asked for, and who would ask. */
export interface Asked {
  readonly asker: Asker;
  readonly request: Pick<ArtifactRequest, 'coordinates' | 'claimed'> & {
    /** Where the registry keeps it; undefined where the lockfile does not say. */
    readonly path?: string;
  };
}

/**
 * How each package of some content would be asked for; undefined where one of them would not be asked of us. The
 * tool takes content for whatever names its digest: where one of its names is in doubt, the tool has to ask for
 * all of them.
 */
export function askedFor(
  tool: Pick<Tool, 'pastUs'>,
  plan: Pick<Plan, 'askerFor' | 'settings' | 'redirection'>,
  { digest, packages }: PinnedContent,
): readonly Asked[] | undefined {
  const all: Asked[] = [];
  for (const each of packages) {
    const { name, version, resolved } = each;
    const isReplaced = resolved !== undefined && isLed(tool, plan, resolved);
    // What it has replaced the host of the tool asks its default registry for, whatever the name.
    const asker = plan.askerFor(name.startsWith('@') && !isReplaced ? name.split('/')[0] : undefined);
    const path = asker && resolved !== undefined && pathAt(asker.upstream, isReplaced, each);
    if (!asker || (resolved !== undefined && !path)) return undefined;
    const coordinates = { ecosystem: asker.upstream.ecosystem.name, name, version };
    all.push({ asker, request: { coordinates, claimed: digest, ...(path && { path }) } });
  }
  return all;
}

/** Whether the tool asks us for what a lockfile has at this address, by its default registry. */
function isLed(
  { pastUs }: Pick<Tool, 'pastUs'>,
  { settings, redirection }: Pick<Plan, 'settings' | 'redirection'>,
  resolved: string,
): boolean {
  const url = URL.parse(resolved);
  if (!url || !pastUs || !redirection || !settings.replacing) return false;
  const { upstreams: registries, replacing } = settings;
  return pastUs(redirection, { ...replacing, registries }, url) === undefined;
}

/** Content of which all this is known, if it goes together. */
export function sureOf(digest: Digest, known: readonly (Known | undefined)[]): Sure | undefined {
  const sure = known.filter((each) => each !== undefined);
  if (sure.length < known.length) return undefined;
  const digests = [...new Set(sure.flatMap(({ wanted }) => wanted.digests))];
  if (contradiction(digests, digests)) return undefined;
  return { digest, wanted: { digests }, known: sure, size: Math.max(...sure.map(({ size = 0 }) => size)) };
}

/** What is known already of each of them. */
export function knownOf(
  artifacts: Pick<ArtifactService, 'knownOf'>,
  asked: readonly Asked[],
): readonly (Known | undefined)[] {
  return asked.map(({ asker, request }) => artifacts.knownOf(asker, request));
}

/** Where this upstream keeps a package; undefined where it is not this one that would be asked, or not for this very package. */
function pathAt(
  { url: registry, ecosystem }: Upstream,
  isReplaced: boolean,
  { name, version, resolved = '' }: Pinned,
): string | undefined {
  const url = URL.parse(resolved);
  if (!url) return undefined;
  const isOwn = url.host === registry.host && url.pathname.startsWith(registry.pathname);
  if (!isOwn && !isReplaced) return undefined;
  const path = isOwn ? url.pathname.slice(registry.pathname.length - 1) : url.pathname;
  const route = ecosystem.registry.route('GET', path, url.search.slice(1), {});
  if (route.kind !== 'artifact') return undefined;
  const { coordinates } = route;
  return coordinates.name === name && coordinates.version === version ? `${path}${url.search}` : undefined;
}
