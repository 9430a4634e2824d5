/**
 * Which version of a package npm takes for what is wanted of it, by npm's own libraries, out of as little of
 * the packument as they look at.
 *
 * @module
 */
import checks from 'npm-install-checks';
import pickManifest from 'npm-pick-manifest';
import semver from 'semver';
import { members, pick, valueOf } from './json-members.ts';
import { isVersion } from './names.ts';

/** The versions of npm and of the Node that runs it: engines that a package asks for have a say. */
export interface Engines {
  readonly npmVersion: string;
  readonly nodeVersion: string;
}

/** A part of a document, parsed, and nothing else known of it. */
export type Json = Readonly<Record<string, unknown>>;

/** A version that a packument offers, as far as it decides what is chosen. */
interface Offer {
  readonly version: string;
  readonly engines?: unknown;
  readonly deprecated?: unknown;
}

/** A packument of which the versions have been found, and not yet read. */
export interface Offers {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: ReadonlyMap<string, Uint8Array>;
}

/** The engines that npm names with each request; undefined where it was told to name none. */
export function enginesIn(userAgent = ''): Engines | undefined {
  const [, npmVersion, nodeVersion] = /\bnpm\/(\S+) node\/(\S+)/.exec(userAgent) ?? [];
  if (!npmVersion || !nodeVersion || !semver.valid(npmVersion) || !semver.valid(nodeVersion))
    return undefined;
  return { npmVersion, nodeVersion };
}

/** What a packument offers. @throws SyntaxError */
export function offersIn(packument: Uint8Array): Offers | undefined {
  const parts = pick(packument, ['name', 'dist-tags', 'versions']);
  const listed = parts.get('versions');
  const name = valueIn(parts, 'name');
  if (!listed || typeof name !== 'string') return undefined;
  const versions = new Map<string, Uint8Array>();
  for (const { key, value } of members(listed)) if (isVersion(key)) versions.set(key, value);
  const tags = valueIn(parts, 'dist-tags');
  return { name, tags: Object.fromEntries(stringsIn(tags)), versions };
}

/** The manifest that npm takes for a version, a range or a tag; undefined where there is none. @throws SyntaxError */
export function choose(offers: Offers, wanted: string, engines: Engines): Json | undefined {
  const { name, tags, versions } = offers;
  const isRange = semver.validRange(wanted, { loose: true }) !== null;
  const { latest } = tags;
  // Mostly it is that, and the others need not be looked at.
  const isLatest =
    isRange && latest !== undefined && fits(latest, wanted) && isFine(offerAt(offers, latest), engines);
  const fitting = isRange ? [...versions.keys()].filter((version) => fits(version, wanted)) : [];
  const candidates = isLatest ? [latest] : isRange ? fitting : [tags[wanted]];
  const looked = candidates.flatMap((version) => offerAt(offers, version) ?? []);
  const packument = {
    name,
    'dist-tags': tags,
    versions: Object.fromEntries(looked.map((offer) => [offer.version, offer])),
  };
  let version: string;
  try {
    ({ version } = pickManifest(packument, wanted, engines));
  } catch {
    return undefined; // npm itself will say what is wrong.
  }
  const manifest = valueOf(versions.get(version)!);
  if (!isJson(manifest) || manifest['name'] !== name || manifest['version'] !== version) return undefined;
  return manifest;
}

/** Whether npm keeps this version for a range. */
export function fits(version: string, range: string): boolean {
  return range === '*' || semver.satisfies(version, range, { loose: true });
}

/** Whether the engines that a manifest asks for are these. */
export function allowsEngines(
  manifest: { readonly engines?: unknown },
  { npmVersion, nodeVersion }: Engines,
): boolean {
  try {
    checks.checkEngine(manifest, npmVersion, nodeVersion);
    return true;
  } catch {
    return false;
  }
}

/** Whether a manifest is for this platform. */
export function allowsPlatform(
  manifest: Json,
  platform: Parameters<typeof checks.checkPlatform>[2],
): boolean {
  try {
    checks.checkPlatform(manifest, false, platform);
    return true;
  } catch {
    return false;
  }
}

function offerAt({ versions }: Offers, version: string | undefined): Offer | undefined {
  const listed = version === undefined ? undefined : versions.get(version);
  if (version === undefined || !listed) return undefined;
  const said = pick(listed, ['engines', 'deprecated']);
  return { version, engines: valueIn(said, 'engines'), deprecated: valueIn(said, 'deprecated') };
}

function isFine(offer: Offer | undefined, engines: Engines): boolean {
  return offer !== undefined && !offer.deprecated && allowsEngines(offer, engines);
}

function valueIn(parts: ReadonlyMap<string, Uint8Array>, key: string): unknown {
  const bytes = parts.get(key);
  return bytes && valueOf(bytes);
}

/** The members of an object whose values are texts: what dependencies are listed as. */
export function stringsIn(value: unknown): readonly (readonly [name: string, text: string])[] {
  if (!isJson(value)) return [];
  return Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

/** Whether this is an object. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
