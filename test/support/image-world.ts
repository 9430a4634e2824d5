/**
 * How tests of images begin: a registry that has some, and engines that are told where it is.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageRegistry, startRegistry } from './image-registry.ts';
import { Layout } from './oci-layout.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';

/** A registry, and where its images are made. */
export interface ImageShelf extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly registry: ImageRegistry;
  readonly layout: Layout;
  /** Pushes what has this tag of the layout, under a name of the registry's. */
  push(tag: string, name: string): Promise<void>;
}

/** Opens one that is empty. */
export async function openImageShelf(): Promise<ImageShelf> {
  const sandbox = openSandbox();
  const registry = await startRegistry();
  const layout = new Layout(join(sandbox.root, 'layout'));
  return {
    sandbox,
    registry,
    layout,
    push: async (tag, name) => registry.push(layout.directory, tag, name),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

/** A registries.conf by which these may be spoken to without TLS. */
export function insecure(...hosts: readonly string[]): string {
  return hosts.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`).join('');
}

/** A registries.conf by which docker.io is at `host`, with nobody behind it, so that no test asks the world. */
export function hubAt(host: string): string {
  return `[[registry]]\nprefix = "docker.io"\nlocation = "${host}"\n`;
}

/** Variables by which engines, and we, read `conf` as the user's registries.conf. */
export function readingConf({ root }: Pick<Sandbox, 'root'>, conf: string): Record<string, string> {
  const path = join(root, 'registries.conf');
  writeFileSync(path, conf);
  return { CONTAINERS_REGISTRIES_CONF: path };
}

/** Variables by which podman and buildah keep their images in a sandbox. */
export function storingIn({ root }: Pick<Sandbox, 'root'>): Record<string, string> {
  const [file, graph, run] = ['storage.conf', 'graph', 'runroot'].map((name) => join(root, name));
  writeFileSync(file!, `[storage]\ndriver = "vfs"\ngraphroot = "${graph}"\nrunroot = "${run}"\n`);
  return { CONTAINERS_STORAGE_CONF: file!, STORAGE_DRIVER: 'vfs' };
}
