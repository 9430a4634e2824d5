/**
 * What a directory holds, to be compared: names, bytes, modes and where links lead.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything below `root`, each path with what it is; links are not followed. */
export function snapshot(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (path: string, name: string): void => {
    found[name] = describe(path);
    if (!lstatSync(path).isDirectory()) return;
    for (const each of readdirSync(path).toSorted()) look(join(path, each), `${name}/${each}`);
  };
  look(root, '.');
  return found;
}

function describe(path: string): string {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (stat.isDirectory()) return `directory ${mode}`;
  if (!stat.isFile()) return `something else ${mode}`;
  const bytes = readFileSync(path);
  return `file ${mode} of ${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
