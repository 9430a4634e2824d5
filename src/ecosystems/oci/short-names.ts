/**
 * What a short name of an image stands for: one that names no registry.
 *
 * @see https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md#short-name-aliasing
 * @module
 */
import { PyrsiaError } from '../../errors.ts';
import { split } from './names.ts';
import { fullName, type ImageReference, parseImage } from './reference.ts';

/** What a user's registries.conf says of short names. */
export interface ShortNameRules {
  /** Full names by short ones. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Registries that are asked for what has no alias. */
  readonly search: readonly string[];
  /** `enforcing`: nobody guesses among several. */
  readonly shortNameMode?: string;
}

/**
 * The images that a user may mean, in the order in which they are asked for: one for what has an alias or is no short
 * name, as `docker:nginx` and package URLs are none. Undefined: docker's own registry is meant, as docker takes it.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED` where that is not to be guessed
 */
export function imagesMeant(text: string, rules: ShortNameRules): readonly ImageReference[] | undefined {
  if (/^(?:docker|pkg):/i.test(text) || split(text).domain !== undefined) return undefined;
  const short = text.replace(/[:@].*$/s, '');
  const version = text.slice(short.length);
  const alias = Object.hasOwn(rules.aliases, short) ? rules.aliases[short] : undefined;
  if (alias !== undefined) return [parseImage(`${alias}${version}`)];
  if (rules.search.length === 0) return undefined;
  const meant = rules.search.map((registry) => parseImage(`${registry}/${text}`));
  if (meant.length > 1 && rules.shortNameMode === 'enforcing') {
    const names = meant.map(fullName).join(' or ');
    const reason = `it may be ${names}, and your registries.conf lets nobody choose (short-name-mode "enforcing")`;
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  }
  return meant;
}
