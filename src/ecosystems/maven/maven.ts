/**
 * Maven's repositories, which Gradle and others read as well, and mvn. The repository is part of what names an
 * artifact: each is an upstream of its own.
 *
 * @module
 */
import type { Ecosystem } from '../ecosystem.ts';
import { locate } from '../locate.ts';
import { closure } from './closure.ts';
import { check, declared, digest, exact, headersFor, inPublic, isForeign, select } from './documents.ts';
import { parse } from './reference.ts';
import { ABSENT, refuse } from './refuse.ts';
import { document, listings, route, stronger } from './route.ts';
import { mavenTools } from './tools.ts';

/** The largest maven-metadata.xml that is read: 8 MiB. Central's largest is a tenth of that. */
const METADATA_LIMIT = 8 * 2 ** 20;

/** How long it is believed that upstream has no such file: a minute. Somebody may just be publishing it. */
const ABSENT_MS = 60_000;

export const maven: Ecosystem = {
  name: 'maven',
  parse,
  registry: {
    route,
    locate,
    document,
    beside: { declared, stronger },
    listings,
    digest,
    select,
    exact,
    inPublic,
    check,
    isForeign,
    absent: { reply: ABSENT, forMs: ABSENT_MS },
    headersFor,
    documentLimit: METADATA_LIMIT,
    artifactHost: () => undefined,
    refuse,
  },
  tools: mavenTools,
  closure,
};
