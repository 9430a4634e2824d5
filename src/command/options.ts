/**
 * What several commands take as flags.
 *
 * @module
 */
import type { EcosystemName } from '../content/coordinates.ts';

/** The ecosystems that `--ecosystem` knows: those that there are, without loading any. */
export const ECOSYSTEMS: readonly EcosystemName[] = ['npm', 'docker'];
