/**
 * The images that a call of `docker build` needs before it begins, by its Dockerfile.
 *
 * @module
 */
import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildCall, buildCall } from '../ecosystems/oci/docker-build.ts';
import { dockerCall } from '../ecosystems/oci/docker-calls.ts';
import { type BaseImage, baseImages } from '../ecosystems/oci/dockerfile.ts';

/** The most bytes of a Dockerfile that are looked at: 1 MiB. */
const DOCKERFILE_LIMIT = 2 ** 20;

/** What a build needs, and whether it wants it anew. */
export interface Bases {
  readonly images: readonly BaseImage[];
  readonly pull: boolean;
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
  const images = baseImages(text, call).map(({ name, platform = call.platform }) => ({
    name,
    ...(platform === undefined ? {} : { platform }),
  }));
  return { images, pull: call.pull };
}

function fileOf({ file, context }: BuildCall, cwd: string): string | undefined {
  if (file === '-' || /^[a-z]+:\/\//.test(file ?? '')) return undefined;
  if (file !== undefined) return resolve(cwd, file);
  return context === undefined ? undefined : resolve(cwd, join(context, 'Dockerfile'));
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
