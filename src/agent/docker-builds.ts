/**
 * Builds of a launch of docker: what one is based on is fetched when it begins, which waits for that. A builder takes what
 * the daemon has, and fetches all else itself; where it must not, the build is refused.
 *
 * @module
 */
import { json } from 'node:stream/consumers';
import { credentialIn, imageAskedFor, isBuildRequest, nameOf } from '../ecosystems/oci/docker-api.ts';
import { authsIn } from '../ecosystems/oci/docker-auths.ts';
import type { BaseImage } from '../ecosystems/oci/dockerfile.ts';
import { choose, parsePlatform, type Platform } from '../ecosystems/oci/platform.ts';
import type { DockerEngine } from '../proxy/docker-engine.ts';
import { type DockerImagesParts, fetchAhead, whyRefused } from '../proxy/docker-images.ts';
import type { DockerSocketParts } from '../proxy/docker-socket.ts';
import type { RequestHead } from '../proxy/http-head.ts';
import type { Bases } from '../shims/docker-bases.ts';

type ImageAskedFor = NonNullable<ReturnType<typeof imageAskedFor>>;

/** What is done before a request that has to do with a build. Without `bases` nobody shows us its Dockerfile: an SDK's, Compose's, one from standard input. */
export function openBuilds(
  images: DockerImagesParts,
  bases: Bases | undefined,
  over: AbortSignal,
): NonNullable<DockerSocketParts['before']> {
  let preparing: Promise<string | undefined> | undefined;
  return async (head) => {
    if (head.method !== 'POST' || !isBuildRequest(head.target)) return undefined;
    const why = await (preparing ??= prepare(images, bases, head, over));
    // A session lends files to a builder. Who is refused the build itself is shown the reason.
    if (why === undefined || images.strict === undefined || /\/session(?:\?|$)/.test(head.target))
      return undefined;
    return whyRefused(images, why);
  };
}

/** Fetches what a build is based on. Resolves to why its builder would fetch something past us, if it would. Never rejects. */
async function prepare(
  images: DockerImagesParts,
  bases: Bases | undefined,
  head: RequestHead,
  over: AbortSignal,
): Promise<string | undefined> {
  const isBuildKit = !/\/build(?:\?|$)/.test(head.target) || /[?&]version=2(?:&|$)/.test(head.target);
  const past = whyPast(bases, isBuildKit);
  if (past !== undefined) {
    if (images.strict !== undefined) return `what a build is based on is not known: ${past}`;
    images.note(`what a build is based on, and docker does not have, was fetched without pyrsia: ${past}`);
  }
  if (!bases) return undefined;
  if (bases.pull && images.strict !== undefined)
    return 'with --pull a builder asks registries itself: docker pull what it is based on, and build without';
  const wanted = isBuildKit && bases.syntax ? [bases.syntax, ...bases.images] : bases.images;
  return fetchAll(images, { wanted, anew: bases.pull, isBuildKit, over }, head);
}

/** Why a builder may fetch what nobody can tell from here. */
function whyPast(bases: Bases | undefined, isBuildKit: boolean): string | undefined {
  if (!bases) return 'no Dockerfile was to be seen';
  const [untold] = bases.untold;
  if (untold !== undefined) return `nothing says which image ${untold} is`;
  return isBuildKit && bases.besides !== undefined ? `${bases.besides} names more of it` : undefined;
}

/** Fetches each that the daemon does not have for the machine that is built for, or all of them `anew`. */
async function fetchAll(
  images: DockerImagesParts,
  {
    wanted,
    anew,
    isBuildKit,
    over,
  }: {
    readonly wanted: readonly BaseImage[];
    readonly anew: boolean;
    readonly isBuildKit: boolean;
    readonly over: AbortSignal;
  },
  { headers }: RequestHead,
): Promise<string | undefined> {
  const { engine, strict } = images;
  const authFor = authsIn(headers.get('x-registry-config'));
  // The classic builder takes whatever the daemon has under a name that is built for no machine in particular.
  const own = isBuildKit ? await machineOf(engine).catch(() => undefined) : undefined;
  const isThere = async (asked: ImageAskedFor): Promise<boolean> =>
    hasFor(engine, asked, own).catch(() => false);
  const failed = new Map<ImageAskedFor, string | undefined>();
  for (const { name, platform } of wanted) {
    const asked = askedFor(name, platform);
    if (!asked) {
      if (strict !== undefined) return `${name} is not a name of an image`;
      continue;
    }
    failed.set(asked, undefined);
    if (!anew && (await isThere(asked))) continue;
    const auth = authFor(asked.image.registry);
    const credential = credentialIn(auth);
    if (credential) images.lend(asked.image.registry, credential);
    failed.set(asked, await fetchAhead(images, asked, { ...(auth !== undefined && { auth }), signal: over }));
  }
  if (strict === undefined) return undefined;
  // One tag names one image: of several machines' only the last one is there.
  for (const [asked, why] of failed)
    if (!(await isThere(asked)))
      return why ?? `${nameOf(asked.image)} is not in docker for ${asked.platform ?? 'this machine'}`;
  return undefined;
}

function askedFor(name: string, platform = ''): ImageAskedFor | undefined {
  const query = new URLSearchParams({ fromImage: name, tag: '', platform });
  // As the daemon reads a name without a tag in a FROM.
  if (!/[:@][^/]*$/.test(name)) query.set('tag', 'latest');
  return imageAskedFor(`/images/create?${query.toString()}`);
}

/** Whether the daemon has an image, for the machine that it is wanted for. */
async function hasFor(
  engine: DockerEngine,
  { image, platform: written }: ImageAskedFor,
  own: Platform | undefined,
): Promise<boolean> {
  const answer = await engine.ask('GET', `/images/${nameOf(image)}/json`);
  const found: unknown = await json(answer);
  if (answer.statusCode !== 200) return false;
  const wanted = written === undefined ? own : parsePlatform(written);
  const platform = platformIn(found, 'Architecture');
  return wanted === undefined || (platform !== undefined && choose([{ platform }], wanted) !== undefined);
}

/** The machine that a daemon runs on. Rejects with the system's error. */
async function machineOf(engine: DockerEngine): Promise<Platform | undefined> {
  return platformIn(await json(await engine.ask('GET', '/version')), 'Arch');
}

function platformIn(said: unknown, architecture: 'Arch' | 'Architecture'): Platform | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const [os, processor, variant] = ['Os', architecture, 'Variant'].map((name): unknown =>
    Reflect.get(said, name),
  );
  if (typeof os !== 'string' || typeof processor !== 'string') return undefined;
  return { os, architecture: processor, ...(typeof variant === 'string' && variant && { variant }) };
}
