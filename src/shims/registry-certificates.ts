/**
 * Certificates that a user trusts for one registry, and shows to it, where docker and podman look for them.
 *
 * @see https://docs.docker.com/engine/security/certificates/
 * @see https://github.com/containers/image/blob/main/docs/containers-certs.d.5.md
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Identity } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** PEM texts for what is at `host` (with its port where it has one). */
export function certificatesFor(host: string, env: Environment, system = '/etc'): readonly string[] {
  return foldersFor(host, env, system).flatMap((folder) =>
    namesIn(folder, '.crt').flatMap((name) => textOf(join(folder, name)) ?? []),
  );
}

/** The first certificate that the user has for `host`, with its key; undefined when there is none. */
export function identityFor(host: string, env: Environment, system = '/etc'): Identity | undefined {
  for (const folder of foldersFor(host, env, system)) {
    for (const name of namesIn(folder, '.cert')) {
      const certificate = textOf(join(folder, name));
      const key = textOf(join(folder, `${basename(name, '.cert')}.key`));
      if (certificate !== undefined && key !== undefined) return { certificate, key };
    }
  }
  return undefined;
}

function foldersFor(host: string, { HOME: home }: Environment, system: string): readonly string[] {
  const folders = [
    ...(home ? [join(home, '.config', 'containers'), join(home, '.config', 'docker')] : []),
    join(system, 'containers'),
    join(system, 'docker'),
  ];
  return folders.map((folder) => join(folder, 'certs.d', host));
}

function namesIn(folder: string, ending: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .toSorted();
  } catch {
    return []; // There are none.
  }
}

/** Undefined for what this user may not read. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
