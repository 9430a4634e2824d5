/**
 * A world in which an ordinary user has a docker daemon, a registry of images, and us.
 *
 * @module
 */
import { join } from 'node:path';
import { busybox, type Dockerd, startDockerd } from '../support/docker.ts';
import { type Front, type ImageRegistry, startFront, startRegistry } from '../support/image-registry.ts';
import { type Described, type Files, Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { unprivileged } from '../support/user.ts';

const who = unprivileged();
/** An ordinary user in docker's group, where there is one. */
export const user = who.possible ? who.user : undefined;

/** A daemon, and a registry that has an image which it can run. */
export interface DockerShelf extends AsyncDisposable {
  readonly registry: ImageRegistry;
  readonly dockerd: Dockerd;
  /** What was pushed, and may be added to. */
  readonly layout: Layout;
  /** org/app:1, which says that it runs. */
  readonly image: MadeImage;
  /** The same for two machines, as it was pushed. */
  readonly index: Described;
}

/** Opens one, which keeps its images below `root`. */
export async function openDockerShelf(
  root: string,
  layers: readonly Files[] = [busybox()],
  how: { readonly patient?: boolean } = {},
): Promise<DockerShelf> {
  const starting = startDockerd({ gid: user?.gid ?? 0, ...how });
  const [registry, dockerd] = await Promise.all([startRegistry(), starting]);
  const layout = new Layout(join(root, 'layout'));
  const image = await layout.image({ layers, command: ['/bin/busybox', 'echo', 'it runs'] });
  const arm = await layout.image({
    layers: [{ a: 'arm' }],
    platform: { os: 'linux', architecture: 'arm64' },
  });
  const index = layout.index([image, arm], 'app');
  await registry.push(layout.directory, 'app', 'org/app:1');
  return {
    registry,
    dockerd,
    layout,
    image,
    index,
    async [Symbol.asyncDispose]() {
      await dockerd[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** An open world. */
export interface DockerWorld extends Omit<DockerShelf, 'registry'> {
  readonly sandbox: Sandbox;
  /** Where the registry answers, and what it was asked. */
  readonly front: Front;
  /** The image as the daemon's user writes it, without its tag. */
  readonly app: string;
  /** Where blobs were fetched from the registry. */
  blobs(): readonly string[];
}

/** Opens one. `how`: as {@link startDockerd} has it. */
export async function openDockerWorld(how: { readonly patient?: boolean } = {}): Promise<DockerWorld> {
  const sandbox = openSandbox(user ? { user } : {});
  const shelf = await openDockerShelf(sandbox.root, undefined, how);
  const { registry, dockerd, layout } = shelf;
  const front = await startFront(registry.host);
  await registry.push(layout.directory, 'app', 'org/db:1');
  await layout.image({ layers: [{ other: 'nobody has this layer' }] }, 'other');
  await registry.push(layout.directory, 'other', 'org/other:1');
  return {
    ...shelf,
    sandbox,
    front,
    app: `${front.host}/org/app`,
    blobs: () => front.requests.filter((request) => /^GET .*\/blobs\//.test(request)),
    async [Symbol.asyncDispose]() {
      await dockerd.clear();
      await sandbox[Symbol.asyncDispose]();
      await front[Symbol.asyncDispose]();
      await shelf[Symbol.asyncDispose]();
    },
  };
}
