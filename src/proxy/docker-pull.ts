/**
 * One image for a docker daemon: it pulls it from us, and then has it under the name that its user knows, as if it
 * had come from its registry (`decisions/docker.md`).
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Digest } from '../content/digest.ts';
import { familiarName, nameOf, progressLine, pullPath, withVersion } from '../ecosystems/oci/docker-api.ts';
import { isImageDigest } from '../ecosystems/oci/names.ts';
import type { DockerEngine } from './docker-engine.ts';
import { type NamedPull, type Naming, openNaming } from './docker-naming.ts';

/** How an image is pulled. */
export interface DockerPull extends NamedPull {
  /** The image's name at our address, without tag and digest. */
  readonly ours: string;
  /** Aborts when nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** The daemon may ask us again and again for what we did not deliver: nobody else is to be asked. */
  readonly patient?: boolean;
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
  const naming = openNaming(engine, pull);
  try {
    return await pulled(engine, pull, progress, naming);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    naming.end();
    await engine.untag(version, withVersion(ours, image)).catch(() => undefined);
  }
}

async function pulled(
  engine: DockerEngine,
  pull: DockerPull,
  progress: DockerProgress,
  naming: Naming,
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
    const { id, status = '', error } = progressLine(each);
    if (error !== undefined) return inOurWords(error, pull);
    // It waits for 50 s in all before it gives up, and would not get it from us then.
    if (!pull.patient && status.startsWith('Retrying in ')) {
      answer.destroy();
      return `its daemon did not get ${id ?? 'all of it'} from pyrsia`;
    }
    if (id !== undefined) naming.hear(id, status);
    const [, said = ''] = /^Digest: (\S+)$/.exec(status) ?? [];
    if (isImageDigest(said)) digest = said;
    const shown = `${renamed(each, pull)}\r\n`;
    // Only when it has its name is it there.
    if (held.length > 0 || status.startsWith('Status: ')) held.push(shown);
    else progress.line(shown);
  }
  if (held.length === 0) return 'its daemon did not say how the pull ended';

  const id = await engine.idOf(version, withVersion(ours, image));
  const isNamed = digest !== undefined && (await naming.done(digest, id));
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
