import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Where not to look, and how names are completed. */
export interface FindOptions {
  /** Directories left out, by whatever name: our own shims. */
  readonly skip?: readonly string[];
  /** What relative entries of the path are relative to. */
  readonly cwd?: string;
  /** Windows: PATHEXT, the endings that make a file executable. */
  readonly endings?: string;
}

/**
 * The first executable file called `name` in a PATH, absolute; undefined when there is none.
 * A relative entry counts only when `cwd` says what it is relative to.
 */
export function findTool(
  name: string,
  path: string | undefined,
  options: FindOptions = {},
): string | undefined {
  const { skip = [], cwd, endings } = options;
  const skipped = new Set(skip.map(real));
  const names = endings === undefined ? [name] : endings.split(';').map((ending) => name + ending);
  for (const entry of (path ?? '').split(delimiter)) {
    const directory = isAbsolute(entry)
      ? resolve(entry)
      : cwd === undefined
        ? undefined
        : resolve(cwd, entry);
    if (directory === undefined || (skipped.size > 0 && skipped.has(real(directory)))) continue;
    const found = names.map((each) => join(directory, each)).find(isExecutable);
    if (found !== undefined) return found;
  }
  return undefined;
}

function real(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return resolve(directory);
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
