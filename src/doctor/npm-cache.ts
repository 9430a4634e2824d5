/**
 * npm's own cache, which is filled with what we have while npm starts: whether that can be done, and by links.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { layoutOf } from '../cache/layout.ts';
import { foldersOf, type Obstacle, obstacleIn, sharesDevice } from '../shims/npm-cache-folder.ts';
import { loadNpmConfig } from '../shims/npm-config.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';
import { firstUnwritable } from './writable.ts';

const ASKS = 'npm asks for each package, also for those that are here, and its installs take longer';
const FAILS = 'npm cannot keep what it fetches, and fails, with us as without';

/** Looks at the folder that npm would use here. */
export async function lookAtNpmCache(patient: Patient): Promise<Finding[]> {
  const { config, paths, uid, npmContext } = patient;
  const how = config.values['npm.fill'];
  if (how === 'off' || npmContext.npm === undefined) return [];
  // What of it cannot be read is another check's.
  const npm = await loadNpmConfig(npmContext).catch(() => undefined);
  const cache = npm?.get('cache');
  if (npm === undefined || typeof cache !== 'string') return [];

  const obstacle = obstacleIn(cache);
  // npm makes it, with what is above it.
  if (obstacle?.kind === 'nowhere') return [];
  if (obstacle) return [obstructed(obstacle, cache, patient)];
  const { root, content, temporaries } = foldersOf(cache);
  const unwritable = firstUnwritable([cache, root, content, join(content, 'sha512'), temporaries], uid, {
    id: 'npm-cache-unwritable',
    cost: FAILS,
  });
  if (unwritable.length > 0 || how === 'copy') return unwritable;
  const ours = layoutOf(paths.cache).content;
  if (sharesDevice(content, ours) && sharesDevice(content, temporaries)) return [];
  return [elsewhere(cache, npm.setBy('cache') === 'env', patient)];
}

function obstructed({ kind, path, text }: Obstacle, cache: string, { uid, env }: Patient): Finding {
  const finding = { level: 'wrong', title: `npm's own cache cannot be filled: ${text}` } as const;
  if (kind !== 'foreign')
    return {
      ...finding,
      id: 'npm-cache-obstructed',
      cost: kind === 'file' ? FAILS : ASKS,
      remedy: `rm ${word(path)}`,
    };
  const home = env['HOME'] === undefined ? undefined : statSync(env['HOME'], { throwIfNoEntry: false })?.uid;
  return {
    ...finding,
    id: 'npm-cache-foreign',
    cost: `${ASKS}, or fail`,
    remedy:
      uid === 0 && home !== undefined && home !== 0
        ? `sudo -u '#${home}' pyrsia doctor`
        : `sudo chown -R ${uid}:${process.getgid?.()} ${word(cache)}`,
  };
}

function elsewhere(cache: string, isByEnv: boolean, { paths, env }: Patient): Finding {
  const places = [join(env['HOME'] ?? '/', '.npm'), join(dirname(paths.cache), 'npm')];
  const nearer = places.find((path) => path !== cache && sharesDevice(path, paths.cache));
  const set = isByEnv ? 'export npm_config_cache=' : 'npm config set cache ';
  return {
    id: 'npm-cache-elsewhere',
    level: 'note',
    title: `npm's own cache, ${cache}, is not wholly on the device of ours, ${paths.cache}`,
    cost: 'What npm installs is copied there, not linked: it takes its room twice, and a little longer',
    remedy: nearer === undefined ? 'pyrsia config set npm.fill copy' : `${set}${word(nearer)}`,
  };
}
