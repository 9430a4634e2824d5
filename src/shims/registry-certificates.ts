/**
 * Certificates that a user trusts for one registry, where docker and podman look for them.
 *
 * @see https://docs.docker.com/engine/security/certificates/
 * @see https://github.com/containers/image/blob/main/docs/containers-certs.d.5.md
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM texts for what is at `host` (with its port where it has one). `.cert` and `.key` files are the user's own, and not read. */
export function certificatesFor(
  host: string,
  env: Readonly<Record<string, string | undefined>>,
  system = '/etc',
): readonly string[] {
  const { HOME: home } = env;
  const folders = [
    ...(home ? [join(home, '.config', 'containers'), join(home, '.config', 'docker')] : []),
    join(system, 'containers'),
    join(system, 'docker'),
  ];
  return folders.flatMap((folder) => certificatesIn(join(folder, 'certs.d', host)));
}

function certificatesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.crt'))
      .map((name) => readFileSync(join(folder, name), 'utf8'));
  } catch {
    return []; // There are none, or none that this user may read.
  }
}
