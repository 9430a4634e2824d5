/**
 * What several commands take as flags.
 *
 * @module
 */
import type { EcosystemName } from '../content/coordinates.ts';

/** The ecosystems that `--ecosystem` knows. */
export const ECOSYSTEMS: readonly EcosystemName[] = ['npm', 'docker', 'maven'];
