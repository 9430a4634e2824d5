/**
 * The npm ecosystem: npm and npx, and the registry protocol that pnpm, yarn and bun speak as well.
 *
 * @module
 */
import type { Ecosystem } from '../ecosystem.ts';
import { npmCalls, npxCalls, settings } from './calls.ts';
import { artifactHost, check, digest, exact, select } from './documents.ts';
import { redirect } from './redirect.ts';
import { parse } from './reference.ts';
import { refuse } from './refuse.ts';
import { document, listings, locate, route } from './route.ts';
import { npmStepsAside, npxStepsAside } from './step-aside.ts';

export const npm: Ecosystem = {
  name: 'npm',
  parse,
  registry: { route, locate, document, listings, digest, select, exact, check, artifactHost, refuse },
  tools: [
    { executable: 'npm', calls: npmCalls, settings, stepAside: npmStepsAside, redirect },
    { executable: 'npx', calls: npxCalls, settings, stepAside: npxStepsAside, redirect },
  ],
};
