/**
 * The npm ecosystem: npm and npx, and the registry protocol that pnpm, yarn and bun speak as well.
 *
 * @module
 */
import type { Ecosystem } from '../ecosystem.ts';
import { locate } from '../locate.ts';
import { artifactHost, check, digest, exact, select } from './documents.ts';
import { parse } from './reference.ts';
import { refuse } from './refuse.ts';
import { document, listings, route } from './route.ts';
import { npmTools } from './tools.ts';

export const npm: Ecosystem = {
  name: 'npm',
  parse,
  registry: { route, locate, document, listings, digest, select, exact, check, artifactHost, refuse },
  tools: npmTools,
};
