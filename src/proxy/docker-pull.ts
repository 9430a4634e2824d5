/**
 * One image for a docker daemon: it pulls it from us, and then has it under the name that its user knows, as if it
 * had come from its registry (`decisions/docker.md`).
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Digest } from '../content/digest.ts';
import { familiarName, type ImageAskedFor, progressLine, pullPath } from '../ecosystems/oci/docker-api.ts';
import { isImageDigest } from '../ecosystems/oci/names.ts';
import type { ImageReference } from '../ecosystems/oci/reference.ts';
import type { DockerEngine } from './docker-engine.ts';

/** How long the daemon may take to ask a registry whether it is there: 10 s. */
const NAMING_TIMEOUT_MS = 10_000;

/** How an image is pulled. */
export interface DockerPull {
  readonly asked: ImageAskedFor;
  /** The image's name at our address, without tag and digest. */
  readonly ours: string;
  /** What the client shows the image's own registry: `X-Registry-Auth`. */
  readonly auth?: string;
  /** Whether the daemon may ask that registry, of which it wants to know that it is there. */
  readonly mayAsk: () => boolean;
  /** Aborts when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** Where progress goes. */
export interface DockerProgress {
  /** Before the first line: the headers of the daemon's answer, name and value in turn. */
  begin(rawHeaders: readonly string[]): void;
  /** With its end of line. */
  line(text: string): void;
}

/**
 * Pulls an image through us. Resolves to undefined, or to why that could not be done; the daemon then has no more
 * than before, and its user has been shown nothing of it but progress.
 */
export async function pullFromUs(
  engine: DockerEngine,
  pull: DockerPull,
  progress: DockerProgress,
): Promise<string | undefined> {
  const { asked, ours } = pull;
  const { version, image } = asked;
  try {
    return await pulled(engine, pull, progress);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await engine.untag(version, withVersion(ours, image)).catch(() => undefined);
  }
}

async function pulled(
  engine: DockerEngine,
  pull: DockerPull,
  progress: DockerProgress,
): Promise<string | undefined> {
  const { asked, ours, signal } = pull;
  const { version, image } = asked;
  const before = await engine.idOf(version, nameOf(image));
  const answer = await engine.ask('POST', pullPath(asked, ours), { signal });
  if (answer.statusCode !== 200) return inOurWords(messageIn(await text(answer)), pull);

  progress.begin(answer.rawHeaders);
  let digest: Digest | undefined;
  const held: string[] = [];
  for await (const each of createInterface({ input: answer, crlfDelay: Infinity })) {
    if (each === '') continue;
    const { status = '', error } = progressLine(each);
    if (error !== undefined) return inOurWords(error, pull);
    const [, said = ''] = /^Digest: (\S+)$/.exec(status) ?? [];
    if (isImageDigest(said)) digest = said;
    const shown = `${renamed(each, pull)}\r\n`;
    // Only when it has its name is it there.
    if (held.length > 0 || status.startsWith('Status: ')) held.push(shown);
    else progress.line(shown);
  }
  if (held.length === 0) return 'its daemon did not say how the pull ended';

  const id = await engine.idOf(version, withVersion(ours, image));
  const isNamed = digest !== undefined && (await namedByItself(engine, pull, digest, id));
  if (image.tag !== undefined) {
    if (!(await engine.tag(version, withVersion(ours, image), familiarName(image), image.tag)))
      return 'its daemon would not name it';
  } else if (!isNamed)
    return 'its registry did not answer the daemon, which names it by its digest only then';
  for (const line of held)
    progress.line(
      id === before ? line.replace('Downloaded newer image for', 'Image is up to date for') : line,
    );
  return undefined;
}

/**
 * Has the daemon pull what it has now by its own name and digest: it asks the registry for the manifests of that
 * digest, and finds the rest with itself. So it learns the digest by which it knows an image.
 */
async function namedByItself(
  engine: DockerEngine,
  { asked, auth, mayAsk }: DockerPull,
  digest: Digest,
  id: string | undefined,
): Promise<boolean> {
  const { registry, repository } = asked.image;
  const { version, platform } = asked;
  const same = {
    version,
    image: { registry, repository, digest },
    ...(platform === undefined ? {} : { platform }),
  };
  try {
    if ((await engine.idOf(version, nameOf(same.image))) === id && id !== undefined) return true;
    if (!mayAsk()) return false;
    const answer = await engine.ask('POST', pullPath(same, familiarName(asked.image)), {
      ...(auth === undefined ? {} : { headers: { 'x-registry-auth': auth } }),
      signal: AbortSignal.timeout(NAMING_TIMEOUT_MS),
    });
    const said = await text(answer);
    return (
      answer.statusCode === 200 &&
      said.split('\n').every((each) => progressLine(each.trim()).error === undefined)
    );
  } catch {
    return false;
  }
}

/** The name of an image as the daemon keeps it. */
export function nameOf(image: ImageReference): string {
  return withVersion(familiarName(image), image);
}

function withVersion(name: string, { tag, digest }: Pick<ImageReference, 'tag' | 'digest'>): string {
  return digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
}

/** A line of progress with the image's own names in it. */
function renamed(line: string, { ours, asked: { image } }: DockerPull): string {
  const path = ours.slice(ours.indexOf('/') + 1);
  if (!line.includes(path)) return line;
  const full = `${image.registry}/${image.repository}`;
  return JSON.stringify(JSON.parse(line), (name, value: unknown) =>
    typeof value === 'string'
      ? value.replaceAll(ours, name === 'id' ? full : familiarName(image)).replaceAll(path, image.repository)
      : value,
  );
}

function inOurWords(reason: string, { ours, asked: { image } }: DockerPull): string {
  return reason.replaceAll(ours, familiarName(image)).trim();
}

function messageIn(body: string): string {
  try {
    const said: unknown = JSON.parse(body);
    if (typeof said === 'object' && said !== null && 'message' in said && typeof said.message === 'string')
      return said.message;
  } catch {
    // Then it is what it is.
  }
  return body;
}
