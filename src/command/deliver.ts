/**
 * Handing content of the cache to the user, proven once more on its way.
 *
 * @module
 */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseDigest } from '../content/digest.ts';
import { verified } from '../content/verified.ts';
import type { Pulled } from '../control/protocol.ts';
import { parseReference } from '../ecosystems/index.ts';
import { goneWhenEnded } from './half-written.ts';

/** Whether `output` is a directory, which then gets a file with the package's own name. */
export function isDirectory(output: string): boolean {
  return statSync(output, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Writes what was pulled to a file, into a directory, or for `-` on stdout; returns the path written. A file
 * appears when it is complete; stdout is cut short by at least 64 KiB when the content turns out to be damaged.
 *
 * @param taken - paths of others that are written: in a directory, what would be called so, too, has more of its name in front
 *
 * Rejects with `DIGEST_MISMATCH` or with the file system's error.
 */
export async function deliver(
  pulled: Pulled,
  output: string,
  { taken }: { readonly taken?: ReadonlySet<string> } = {},
): Promise<string> {
  const content = verified(createReadStream(pulled.path), {
    digests: [parseDigest(pulled.digest)],
    size: pulled.bytes,
  });
  if (output === '-') {
    await pipeline(content, process.stdout, { end: false });
    return output;
  }
  const path = isDirectory(output) ? await placeIn(output, pulled.purl, taken) : output;
  const temporary = `${path}.${process.pid}.part`;
  const release = goneWhenEnded(temporary);
  try {
    await pipeline(content, createWriteStream(temporary, { flags: 'wx' }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    release();
  }
  return path;
}

async function placeIn(directory: string, purl: string, taken?: ReadonlySet<string>): Promise<string> {
  const file = await fileName(purl);
  const path = join(directory, file);
  if (!taken?.has(path)) return path;
  const { name } = (await parseReference(purl)).reference;
  return join(directory, `${name.replaceAll(/[/:]/g, '-')}-${file}`);
}

/** As its registry calls the file, or its tool does. Of what has no name of its own: the last of its purl. */
async function fileName(purl: string): Promise<string> {
  const { ecosystem, reference } = await parseReference(purl);
  const { registry } = ecosystem;
  const selected = registry.exact(reference);
  const file = selected && (registry.fileName?.(selected.coordinates) ?? selected.path.split('/').at(-1));
  return file ?? `${reference.name}-${reference.wanted}`.replaceAll('/', '-');
}
