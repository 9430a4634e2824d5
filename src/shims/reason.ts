/**
 * @module
 */
import { getSystemErrorMap } from 'node:util';

/** Why something failed, in the system's words without its codes and paths: `permission denied`. */
export function reasonOf(error: unknown): string {
  const number = error instanceof Error && 'errno' in error ? Number(error.errno) : undefined;
  const [, words] = (number !== undefined && getSystemErrorMap().get(number)) || [];
  return words ?? (error instanceof Error ? error.message : String(error));
}
