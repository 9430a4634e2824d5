/**
 * The npm ecosystem: npm and npx, and the registry protocol that pnpm, yarn and bun speak as well.
 *
 * @module
 */
import type { Coordinates } from '../../content/coordinates.ts';
import type { Ecosystem } from '../ecosystem.ts';
import { locate } from '../locate.ts';
import { artifactHost, check, digest, exact, inPublic, select } from './documents.ts';
import { parse } from './reference.ts';
import { refuse } from './refuse.ts';
import { document, listings, route } from './route.ts';
import { npmTools } from './tools.ts';
import { unvouched } from './unvouched.ts';

/** As `npm pack` calls it: `@types/node` becomes `types-node-24.0.0.tgz`. */
function packed({ name, version }: Coordinates): string {
  return `${name.replace(/^@/, '').replaceAll('/', '-')}-${version}.tgz`;
}

export const npm: Ecosystem = {
  name: 'npm',
  parse,
  scopeOf: ({ name }) => (name.startsWith('@') ? name.split('/')[0] : undefined),
  registry: {
    route,
    locate,
    document,
    listings,
    digest,
    select,
    exact,
    inPublic,
    check,
    artifactHost,
    unvouched,
    fileName: packed,
    refuse,
  },
  tools: npmTools,
};
