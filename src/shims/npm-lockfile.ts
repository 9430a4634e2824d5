import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The most bytes of a lockfile that are read: 200 MiB. A larger one counts as naming no host. */
const SIZE_LIMIT = 200 * 2 ** 20;

/** Bytes that are in memory at a time. */
const PIECE = 2 ** 20;

/** The most of a piece in which an address may begin that ends in the next one. */
const OVERLAP = 8 * 2 ** 10;

/**
 * Hosts (with port) that the lockfile of a project gives as where its packages come from, each once.
 * Read as text: it is found out for every launch, and npm itself will say what is wrong with a broken one.
 */
export async function lockedHosts(project: string): Promise<readonly string[]> {
  const origins =
    (await originsIn(join(project, 'npm-shrinkwrap.json'))) ??
    (await originsIn(join(project, 'package-lock.json'))) ??
    new Set<string>();
  const hosts = [...origins].map((origin) => (URL.canParse(origin) ? new URL(origin).host : ''));
  return [...new Set(hosts)].filter((host) => host !== '');
}

/** None for a file that cannot be taken; undefined where there is none. */
async function originsIn(file: string): Promise<ReadonlySet<string> | undefined> {
  const origins = new Set<string>();
  try {
    const found = await stat(file);
    // A pipe or a device might never end.
    if (!found.isFile() || found.size > SIZE_LIMIT) return origins;
    let text = '';
    for await (const piece of createReadStream(file, {
      encoding: 'latin1',
      highWaterMark: PIECE,
      end: SIZE_LIMIT,
    })) {
      text = text.slice(-OVERLAP) + String(piece);
      // What does not end here is seen whole with the next piece.
      for (const [, origin] of text.matchAll(/"resolved":\s*"([a-z+]+:\/\/[^/"\\]+)(?=[/"\\])/g))
        origins.add(origin!);
    }
    return origins;
  } catch {
    return undefined;
  }
}
