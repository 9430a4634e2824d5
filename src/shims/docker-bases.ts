/**
 * The images that a call of `docker build` needs before it begins, by its Dockerfile.
 *
 * @module
 */
import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildCall, buildCall } from '../ecosystems/oci/docker-build.ts';
import { dockerCall } from '../ecosystems/oci/docker-calls.ts';
import { type BaseImage, basesIn, syntaxImage } from '../ecosystems/oci/dockerfile.ts';

/** The most bytes of a Dockerfile that are looked at: 1 MiB. */
const DOCKERFILE_LIMIT = 2 ** 20;

/** What a build needs, and whether it wants it anew. */
export interface Bases extends Pick<BuildCall, 'pull' | 'besides'> {
  readonly images: readonly BaseImage[];
  /** What names an image that cannot be told, as it is written. */
  readonly untold: readonly string[];
  /** The image that BuildKit reads the Dockerfile with, where it is one of its own. */
  readonly syntax?: BaseImage;
}

/** Finds them; undefined for any other call, and where the Dockerfile is not to be had (standard input, a pipe, an address). */
export async function basesOf(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Bases | undefined> {
  const { command, args: words } = dockerCall(args);
  if (command !== 'build') return undefined;
  const call = buildCall(words, env);
  const file = fileOf(call, cwd);
  const text = file === undefined ? undefined : await beginningOf(file);
  if (text === undefined) return undefined;
  const { images: named, untold } = basesIn(text, call);
  const images = named.map(({ name, native, platform = native ? undefined : call.platform }) => ({
    name,
    ...(platform === undefined ? {} : { platform }),
  }));
  const syntax = syntaxImage(text, call);
  const { pull, besides } = call;
  return {
    images,
    untold,
    pull,
    ...(besides === undefined ? {} : { besides }),
    ...(syntax === undefined ? {} : { syntax: { name: syntax } }),
  };
}

function fileOf({ file, context }: BuildCall, cwd: string): string | undefined {
  // In a context that is not here, so is the file.
  if (context === undefined || file === '-' || /^[a-z]+:\/\//.test(file ?? '')) return undefined;
  return resolve(cwd, file ?? join(context, 'Dockerfile'));
}

/** As much of a file as is looked at; undefined for what is none, or cannot be read. */
export async function beginningOf(path: string): Promise<string | undefined> {
  try {
    // What is read from a pipe is lost to docker.
    if (!(await stat(path)).isFile()) return undefined;
    await using file = await open(path);
    const bytes = Buffer.alloc(DOCKERFILE_LIMIT);
    const { bytesRead } = await file.read(bytes);
    return bytes.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}
