import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files below `path` that hold `secret`. */
export function holders(path: string, secret: string): string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file, 'latin1').includes(secret));
}
