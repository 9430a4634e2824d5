/**
 * A world in which somebody has every client of image registries that we lead, each with our shim in front of it.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import { type Containerd, startContainerd } from '../support/containerd.ts';
import { canDocker, type Dockerd, startDockerd } from '../support/docker.ts';
import { type Front, has, imageTools, startFront, startRegistry } from '../support/image-registry.ts';
import { insecure, readingConf, storingIn } from '../support/image-world.ts';
import { Layout } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

/** Whether this machine has all of them. */
export const canUseAllClients =
  canDocker && has(...imageTools, 'podman', 'buildah', 'ctr', 'containerd', 'skopeo');

/** An open world. */
export interface ClientsWorld extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Where the registry answers, and what it was asked. */
  readonly front: Front;
  readonly layout: Layout;
  readonly dockerd: Dockerd;
  readonly containerd: Containerd;
  /** What every client runs with: shims first on its PATH, stores and daemons of its own. */
  readonly env: Record<string, string>;
  /** Pushes what has this tag of the layout, under a name of the registry's. */
  push(tag: string, name: string): Promise<void>;
}

/** Opens one. */
export async function openClientsWorld(): Promise<ClientsWorld> {
  const sandbox = openSandbox();
  const [registry, containerd, dockerd] = await Promise.all([
    startRegistry(),
    startContainerd(),
    startDockerd(),
  ]);
  const front = await startFront(registry.host);
  const layout = new Layout(join(sandbox.root, 'layout'));
  mkdirSync(join(sandbox.home, '.config/containers'), { recursive: true });
  writeFileSync(
    join(sandbox.home, '.config/containers/policy.json'),
    '{"default":[{"type":"insecureAcceptAnything"}]}',
  );
  const data = join(sandbox.root, 'data');
  const env: Record<string, string> = {
    ...readingConf(sandbox, insecure(front.host)),
    ...storingIn(sandbox),
    CONTAINERD_ADDRESS: containerd.address,
    DOCKER_HOST: dockerd.host,
    XDG_DATA_HOME: data,
  };
  const tools = ['podman', 'buildah', 'skopeo', 'ctr', 'docker'];
  const installed = await sandbox.pyrsia(['shim', 'install', ...tools, '--no-path'], { env });
  expect([installed.code, installed.stderr]).toEqual([0, expect.stringContaining('podman')]);
  env['PATH'] = [join(data, 'pyrsia/shims'), sandbox.env['PATH']].join(delimiter);
  return {
    sandbox,
    front,
    layout,
    dockerd,
    containerd,
    env,
    push: async (tag, name) => registry.push(layout.directory, tag, name),
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await Promise.all(
        [front, registry, containerd, dockerd].map(async (each) => each[Symbol.asyncDispose]()),
      );
    },
  };
}
