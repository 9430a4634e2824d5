import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** The directory itself, or where it is missing the one that it would be made in. */
export function nearest(directory: string): string {
  const above = dirname(directory);
  return above === directory || existsSync(directory) ? directory : nearest(above);
}
