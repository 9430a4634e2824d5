/**
 * The command line program: hands the arguments to oclif, which finds the command in the manifest and
 * loads that one only.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';

/** Runs one command; the exit code is left in `process.exitCode` or the process ends with it. */
export async function main(args: string[]): Promise<void> {
  await execute({ args, dir: fileURLToPath(new URL('..', import.meta.url)) });
}
