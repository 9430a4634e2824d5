import type { EcosystemName } from '../content/coordinates.ts';

const names: Readonly<Record<EcosystemName, true>> = { npm: true, docker: true, maven: true };

/** All that this version knows. */
export const ECOSYSTEM_NAMES = Object.keys(names).filter(isEcosystem);

/** Whether what was read from the disk is an ecosystem that this version knows. */
export function isEcosystem(name: unknown): name is EcosystemName {
  return typeof name === 'string' && Object.hasOwn(names, name);
}

/** The ecosystem in a row of the catalogue, which holds no others. */
export function ecosystemFrom(name: unknown): EcosystemName {
  if (!isEcosystem(name)) throw new TypeError(`The catalogue has an unknown ecosystem: ${String(name)}`);
  return name;
}
