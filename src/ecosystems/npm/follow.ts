/**
 * Follows npm as it chooses versions without a lockfile: it asks for a package's document when something that
 * it has chosen wants the package, and for tarballs only once all is chosen. Who reads the same documents knows
 * the digests before npm looks for them in its own cache.
 *
 * It is a guess, which keeps to what is likely: what npm was not seen to ask for is not followed, and neither
 * is a second version of a package where one that was chosen will do. Where npm chooses otherwise all the same,
 * what was put into its cache lies there unused.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/arborist/lib/arborist/build-ideal-tree.js
 * @module
 */
import npa from 'npm-package-arg';
import { digestFromIntegrity } from '../../content/digest.ts';
import type { Choice, Follower, GivenDocument, InstallTerms, PinnedContent } from '../ecosystem.ts';
import {
  allowsEngines,
  allowsPlatform,
  choose,
  type Engines,
  enginesIn,
  fits,
  isJson,
  type Json,
  offersIn,
  stringsIn,
} from './choose.ts';
import { isVersion } from './names.ts';
import { versionsIn } from './lockfile.ts';

/** The most that is wanted of packages in one install: nothing is followed beyond it. */
const WANTS_LIMIT = 50_000;

/** The longest version, range or tag that is followed, in characters: to understand one takes time by its length. */
const SPEC_LIMIT = 1000;
/** The most that is wanted of one package at a time, and how often one document is read: what is beyond is not followed. */
const WANTS_AT_ONCE = 64;
const ROUNDS = 16;
/** The longest manifest of a project that is followed, in characters. */
const MANIFEST_LIMIT = 2 ** 20;

/** What somebody wants of a package: a version, a range or a tag. */
interface Want {
  readonly wanted: string;
  /** It was named in the call, so what the lockfile has does not settle it. */
  readonly named?: boolean;
  /** The install does without it. */
  readonly optional?: boolean;
  /** Whoever else wants the package comes first. */
  readonly peer?: boolean;
}

/** Follows an install on these terms. */
export function follow(choice: Choice, terms: InstallTerms): Follower {
  const { peers } = choice;
  const omits = new Set(terms.omit);
  /** By name: what has not been chosen yet. */
  const wants = new Map<string, Want[]>();
  const given = new Map<string, GivenDocument>();
  const locked = versionsIn(choice.lockfile);
  const installed = versionsIn(terms.installed);
  /** By name: the versions that were chosen. */
  const chosen = new Map<string, Set<string>>();
  let count = 0;
  const rounds = new Map<string, number>();

  const isSettled = (name: string, { wanted, named }: Want): boolean => {
    const there = [chosen.get(name), ...(named ? [] : [locked.get(name), installed.get(name)])];
    return there.some((versions) =>
      [...(versions ?? [])].some((version) => version === wanted || fits(version, wanted)),
    );
  };

  function want(name: string, spec: string, about: Omit<Want, 'wanted'> = {}): string | undefined {
    if (spec.length > SPEC_LIMIT || (count += 1) > WANTS_LIMIT) return undefined;
    const asked = targetOf(name, spec);
    if (!asked) return undefined;
    const each = { ...about, wanted: asked.wanted };
    if (isSettled(asked.name, each)) return undefined;
    const others = wants.get(asked.name);
    if (others && others.length >= WANTS_AT_ONCE) return undefined;
    if (others) others.push(each);
    else wants.set(asked.name, [each]);
    return asked.name;
  }

  /** Wants what a manifest depends on; returns the names that were not settled yet. */
  function wantAll(
    manifest: Json,
    { dev = false, optional = false } = {},
    besides: readonly string[] = [],
  ): string[] {
    const { bundleDependencies: bundled = manifest['bundledDependencies'] } = manifest;
    const has =
      bundled === true ? stringsIn(manifest['dependencies']).map(([name]) => name) : [bundled].flat();
    const without = new Set<unknown>([...has, ...besides]);
    const optionals = stringsIn(manifest['optionalDependencies']);
    const meta = manifest['peerDependenciesMeta'];
    const isOptionalPeer = (name: string): boolean => {
      const said = isJson(meta) ? meta[name] : undefined;
      return isJson(said) && said['optional'] === true;
    };
    const found: (readonly [string, string, Omit<Want, 'wanted'>])[] = [];
    if (!omits.has('optional'))
      for (const [name, spec] of optionals) found.push([name, spec, { optional: true }]);
    // npm takes a name that stands in both for an optional one.
    const isOptional = new Set(optionals.map(([name]) => name));
    for (const [name, spec] of stringsIn(manifest['dependencies']))
      if (!isOptional.has(name)) found.push([name, spec, { optional }]);
    if (dev && !omits.has('dev'))
      for (const [name, spec] of stringsIn(manifest['devDependencies'])) found.push([name, spec, {}]);
    if (peers && !omits.has('peer'))
      for (const [name, spec] of stringsIn(manifest['peerDependencies']))
        if (!isOptionalPeer(name)) found.push([name, spec, { optional, peer: true }]);
    return found
      .filter(([name]) => !without.has(name))
      .flatMap(([name, spec, about]) => want(name, spec, about) ?? []);
  }

  /** What is likely to be looked for, of one package. */
  function chosenOf(document: Uint8Array, name: string, engines: Engines) {
    const round = (rounds.get(name) ?? 0) + 1;
    rounds.set(name, round);
    if (round > ROUNDS) wants.delete(name);
    const pending = (wants.get(name) ?? []).toSorted((a, b) => rankOf(a) - rankOf(b));
    wants.delete(name);
    const offers = legible(() => offersIn(document));
    const content: PinnedContent[] = [];
    const next: string[] = [];
    if (offers?.name !== name) return { content, next };
    for (const each of pending) {
      if (isSettled(name, each)) continue;
      const manifest = legible(() => choose(offers, each.wanted, engines));
      if (!manifest) continue;
      const version = String(manifest['version']);
      chosen.set(name, (chosen.get(name) ?? new Set()).add(version));
      if (!allowsPlatform(manifest, terms) || (each.optional && !allowsEngines(manifest, engines))) continue;
      const pinned = installed.get(name)?.has(version) ? undefined : pinnedIn(manifest, name, version);
      if (pinned) content.push(pinned);
      if (manifest['_hasShrinkwrap'] !== true)
        next.push(...wantAll(manifest, { optional: each.optional ?? false }));
    }
    return { content, next };
  }

  const named = choice.named.flatMap((argument) => argumentOf(argument) ?? []);
  const manifest = manifestIn(choice.manifest);
  const isFollowed = manifest !== undefined && named.length === choice.named.length;
  if (isFollowed) {
    for (const { name, wanted } of named) want(name, wanted, { named: true });
    wantAll(
      manifest,
      { dev: true },
      named.map(({ name }) => name),
    );
  }

  return {
    async given(name, document) {
      const engines = enginesIn(document.headers['user-agent']);
      if (!engines || !isFollowed) return [];
      given.set(name, document);
      const found: PinnedContent[] = [];
      const queue = [name];
      for (const each of queue) {
        const text = wants.has(each) ? await given.get(each)?.read() : undefined;
        if (!text) continue;
        const { content, next } = chosenOf(text, each, engines);
        found.push(...content);
        // Of what was given before another version is wanted now.
        queue.push(...next.filter((other) => given.has(other)));
      }
      return found;
    },
  };
}

/** The package of a registry that a dependency stands for; undefined for one that comes from elsewhere. */
function targetOf(name: string, spec: string) {
  try {
    return registrys(npa.resolve(name, spec, '/'));
  } catch {
    return undefined; // npm itself will say what is wrong with it.
  }
}

function argumentOf(argument: string) {
  try {
    return registrys(npa(argument, '/'));
  } catch {
    return undefined;
  }
}

function registrys(
  spec: ReturnType<typeof npa>,
): { readonly name: string; readonly wanted: string } | undefined {
  const { type, name, rawSpec, subSpec } = spec;
  if (type === 'alias') return subSpec && registrys(subSpec);
  if (name === null || !['version', 'range', 'tag'].includes(type)) return undefined;
  return { name, wanted: rawSpec.trim() || '*' };
}

/** What is read of a document; undefined where that cannot be done. */
function legible<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A project's manifest; undefined where it decides itself what is chosen, or is illegible. */
function manifestIn(text = '{}'): Json | undefined {
  if (text.length > MANIFEST_LIMIT) return undefined;
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isJson(manifest) && manifest['overrides'] === undefined ? manifest : undefined;
}

/** The content that a manifest declares for itself, if it does so as npm writes it. */
function pinnedIn(manifest: Json, name: string, version: string): PinnedContent | undefined {
  const { dist } = manifest;
  if (!isJson(dist)) return undefined;
  const { integrity, tarball } = dist;
  if (typeof integrity !== 'string' || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) return undefined;
  const digest = digestFromIntegrity(integrity);
  if (!digest || typeof tarball !== 'string') return undefined;
  return { digest, packages: [{ name, version, resolved: tarball }] };
}

/** One version exactly comes before what others do as well, and before what only has to be beside it. */
function rankOf({ wanted, peer }: Want): number {
  return peer ? 2 : isVersion(wanted) ? 0 : 1;
}
