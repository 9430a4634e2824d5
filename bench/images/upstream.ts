/**
 * The registry that images are pulled from.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DockerRegistry, openDockerRegistry } from './docker-registry.ts';
import { makeImage } from './made-image.ts';
import { IMAGE, TINY } from './ways.ts';

/** Starts a registry that has the image, of so many bytes in so many layers, and a tiny one. */
export async function openUpstream(
  directory: string,
  bytes: number,
  layers: number,
): Promise<DockerRegistry> {
  mkdirSync(directory);
  const upstream = await openDockerRegistry(join(directory, 'upstream'));
  for (const [name, size] of [
    [TINY, 1000],
    [IMAGE, bytes],
  ] as const) {
    const layout = join(directory, 'layout');
    await makeImage(layout, size, layers);
    const from = `oci:${layout}:bench`;
    const to = `docker://${upstream.host}/${name}`;
    const how = ['-q', '--preserve-digests', '--dest-tls-verify=false'];
    await promisify(execFile)('skopeo', ['--insecure-policy', 'copy', ...how, from, to]);
    rmSync(layout, { recursive: true });
  }
  console.error(`An image of ${bytes / 1e6} MB is at ${upstream.host}`);
  return upstream;
}
