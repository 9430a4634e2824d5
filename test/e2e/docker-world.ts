/**
 * A world in which an ordinary user has a docker daemon, a registry of images, and us.
 *
 * @module
 */
import { join } from 'node:path';
import { busybox, type Dockerd, startDockerd } from '../support/docker.ts';
import { type Front, startFront, startRegistry } from '../support/image-registry.ts';
import { type Described, Layout } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { unprivileged } from '../support/user.ts';

const who = unprivileged();
/** An ordinary user in docker's group, where there is one. */
export const user = who.possible ? who.user : undefined;

/** An open world. */
export interface DockerWorld extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly dockerd: Dockerd;
  /** Where the registry answers, and what it was asked. */
  readonly front: Front;
  /** An image with busybox, for two machines, as the daemon's user writes it. */
  readonly app: string;
  readonly index: Described;
  /** Where blobs were fetched from the registry. */
  blobs(): readonly string[];
}

/** Opens one. */
export async function openDockerWorld(): Promise<DockerWorld> {
  const sandbox = openSandbox(user ? { user } : {});
  const [registry, dockerd] = await Promise.all([startRegistry(), startDockerd({ gid: user?.gid ?? 0 })]);
  const front = await startFront(registry.host);
  const layout = new Layout(join(sandbox.root, 'layout'));
  const image = await layout.image({ layers: [busybox()], command: ['/bin/busybox', 'echo', 'it runs'] });
  const arm = await layout.image({
    layers: [{ a: 'arm' }],
    platform: { os: 'linux', architecture: 'arm64' },
  });
  const index = layout.index([image, arm], 'app');
  await registry.push(layout.directory, 'app', 'org/app:1');
  await registry.push(layout.directory, 'app', 'org/db:1');
  await layout.image({ layers: [{ other: 'nobody has this layer' }] }, 'other');
  await registry.push(layout.directory, 'other', 'org/other:1');
  return {
    sandbox,
    dockerd,
    front,
    app: `${front.host}/org/app`,
    index,
    blobs: () => front.requests.filter((request) => /^GET .*\/blobs\//.test(request)),
    async [Symbol.asyncDispose]() {
      await dockerd.clear();
      await sandbox[Symbol.asyncDispose]();
      await dockerd[Symbol.asyncDispose]();
      await front[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}
