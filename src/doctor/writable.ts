/**
 * Whether what we keep can be written, and if not, why.
 *
 * @module
 */
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from '../cache/layout.ts';
import { done, type Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** The cache and its directories. */
export function lookWhetherCacheWritable(patient: Patient): Finding[] {
  const { root, content, documents, partial } = layoutOf(patient.paths.cache);
  return firstUnwritable([root, content, documents, partial], patient.uid, {
    id: 'cache-unwritable',
    cost: 'Nothing is kept: what is not cached yet is fetched anew each time, and is missing offline',
  });
}

/** The directory of ports, log and receipts. */
export function lookWhetherStateWritable({ paths, uid }: Patient): Finding[] {
  return firstUnwritable([paths.state], uid, {
    id: 'state-unwritable',
    cost: 'There is no log and no receipt, and ports change, so that npm fetches anew what its own cache knows',
  });
}

/** The first of these that may not be written, or of what it would be made in. */
export function firstUnwritable(
  directories: readonly string[],
  uid: number | undefined,
  finding: Pick<Finding, 'id' | 'cost'>,
): Finding[] {
  for (const directory of new Set(directories.map(nearest))) {
    const code = whyUnwritable(directory);
    // Whose it is is another check's, and is repaired first.
    if (code === undefined || (uid !== undefined && statSync(directory).uid !== uid && code !== 'EROFS'))
      continue;
    return [{ level: 'wrong', ...finding, ...unwritable(directory, code) }];
  }
  return [];
}

function unwritable(directory: string, code: string): Pick<Finding, 'title' | 'remedy' | 'fix'> {
  if (code === 'EROFS') {
    return {
      title: `${directory} is on a file system that is mounted read-only`,
      remedy: `sudo mount -o remount,rw ${word(mountPoint(directory))}`,
    };
  }
  const mode = (statSync(directory).mode & 0o777).toString(8);
  return {
    title: `${directory} cannot be written: its mode is ${mode} (${code})`,
    remedy: `chmod u+rwx ${word(directory)}`,
    fix: {
      what: `Let you write ${directory}`,
      run: done(() => chmodSync(directory, 0o700), `${directory} has mode 700 now`),
    },
  };
}

/** The system's code for why nothing can be made there. */
function whyUnwritable(directory: string): string | undefined {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}

function mountPoint(directory: string): string {
  const above = join(directory, '..');
  return above === directory || statSync(above).dev !== statSync(directory).dev
    ? directory
    : mountPoint(above);
}
