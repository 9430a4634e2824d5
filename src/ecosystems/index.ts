/**
 * The package managers we speak. Adding one is a folder beside this file and a line in this list.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import type { Ecosystem, Reference } from './ecosystem.ts';
import { maven } from './maven/maven.ts';
import { npm } from './npm/npm.ts';
import { oci } from './oci/oci.ts';

export const ecosystems: readonly Ecosystem[] = [npm, oci, maven];

/** Reads what a user typed to name a package. Rejects with `REFERENCE_MALFORMED`. */
export async function parseReference(text: string): Promise<{
  readonly ecosystem: Ecosystem;
  readonly reference: Reference;
}> {
  for (const ecosystem of ecosystems) {
    const reference = await ecosystem.parse(text);
    if (reference) return { ecosystem, reference };
  }
  const known = ecosystems.map(({ name }) => `${name}:`).join(', ');
  const [, scheme] = /^(?:pkg:\/*)?([A-Za-z][\w.+-]*)[:/]/.exec(text) ?? [];
  const reason = scheme
    ? `"${scheme}" is not a kind of package that pyrsia fetches; it fetches ${known}`
    : `it does not say what kind of package it is; for one of npm's write npm:${text === '' ? 'NAME' : text}`;
  throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
}

/** Whether what a package URL names may be other bytes one day. */
export function mayChange(purl: string): boolean {
  const [, name, version = ''] = /^pkg:([a-z]+)\/[^@?#]*@([^?#]*)/.exec(purl) ?? [];
  const ecosystem = ecosystems.find((each) => each.name === name);
  return ecosystem?.registry.mayChange?.(decodeURIComponent(version)) ?? false;
}
