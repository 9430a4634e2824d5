import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The most bytes of a lockfile that are read: 200 MiB. A larger one counts as naming no host. */
const SIZE_LIMIT = 200 * 2 ** 20;

/**
 * Hosts (with port) that the lockfile of a project gives as where its packages come from, each once.
 * Read as text: it is found out for every launch, and npm itself will say what is wrong with a broken one.
 */
export async function lockedHosts(project: string): Promise<readonly string[]> {
  const text =
    (await textOf(join(project, 'npm-shrinkwrap.json'))) ??
    (await textOf(join(project, 'package-lock.json'))) ??
    '';
  const origins = new Set<string>();
  for (const [, origin] of text.matchAll(/"resolved":\s*"([a-z+]+:\/\/[^/"\\]+)/g)) origins.add(origin!);
  const hosts = [...origins].map((origin) => (URL.canParse(origin) ? new URL(origin).host : ''));
  return [...new Set(hosts)].filter((host) => host !== '');
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    const found = await stat(file);
    // A pipe or a device might never end.
    return found.isFile() && found.size <= SIZE_LIMIT ? await readFile(file, 'latin1') : '';
  } catch {
    return undefined;
  }
}
