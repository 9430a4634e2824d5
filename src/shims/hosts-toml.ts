/**
 * A `hosts.toml` that leads clients of containerd to us, for every registry: they name the one that they mean in each
 * request (`?ns=`).
 *
 * @see https://github.com/containerd/containerd/blob/main/docs/hosts.md
 * @module
 */
import { stringify } from 'smol-toml';

/** The file for a client that finds us below `root`. `instead`: the registry itself is not to be asked when we do not deliver. */
export function hostsToml({ root, instead }: { readonly root: string; readonly instead: boolean }): string {
  const ours = { capabilities: ['pull', 'resolve'], override_path: true };
  // Without a host the file is not read.
  return stringify({ ...(instead ? { server: root, ...ours } : {}), host: { [root]: ours } });
}
