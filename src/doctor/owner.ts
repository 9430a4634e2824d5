/**
 * Files of ours that somebody else owns: what sudo, once used, leaves behind.
 *
 * @module
 */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { layoutOf } from '../cache/layout.ts';
import { userConfigPath } from '../config/config-file.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** Looks at all our directories, and at what lies immediately in them. */
export function lookWhose({ paths, uid, env }: Patient): Finding[] {
  if (uid === undefined) return [];
  const { content, documents, partial } = layoutOf(paths.cache);
  const kept = ['content-v2', 'index-v5', 'content-v2/sha256'].map((name) => join(content, name));
  const places: readonly (readonly [root: string, ...below: string[]])[] = [
    [paths.cache, content, ...kept, documents, partial],
    [paths.state],
    [dirname(userConfigPath(paths))],
    [paths.shims],
  ];
  return places.flatMap(([root, ...below]): Finding[] => {
    const foreign = [root, ...below].flatMap(withEntries).find(({ stat }) => stat.uid !== uid);
    if (!foreign) return [];
    const home = env['HOME'] === undefined ? undefined : statOf(env['HOME']);
    const asRoot = uid === 0 && home !== undefined && home.uid !== 0;
    return [
      {
        id: 'foreign-files',
        level: 'wrong',
        title: `${foreign.path} belongs to user ${foreign.stat.uid}, and you are user ${uid}`,
        cost: asRoot
          ? `What pyrsia writes as root here, user ${home.uid} cannot use any more`
          : 'pyrsia cannot write it, or not replace it',
        remedy: asRoot
          ? `sudo -u '#${home.uid}' pyrsia doctor`
          : `sudo chown -R ${uid}:${process.getgid?.()} ${word(root)}`,
      },
    ];
  });
}

function withEntries(directory: string): { readonly path: string; readonly stat: Stats }[] {
  const paths = [directory, ...namesIn(directory).map((name) => join(directory, name))];
  return paths.flatMap((path) => {
    const stat = statOf(path);
    return stat ? [{ path, stat }] : [];
  });
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // It lies where we may not look, which is another check's.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
