/**
 * What a user types to name an artifact: `maven:org.slf4j:slf4j-api:2.0.17`, with a type and a classifier behind it as
 * for `mvn dependency:get`, or a package URL.
 *
 * @see https://github.com/package-url/purl-spec
 * @module
 */
import { PyrsiaError } from '../../errors.ts';
import type { Reference } from '../ecosystem.ts';
import { parsePurl } from '../purl.ts';
import { LATEST } from './documents.ts';
import { isGroup, isPart } from './names.ts';

/** Reads a reference; undefined when it is of another ecosystem. Rejects with `REFERENCE_MALFORMED`. */
export async function parse(text: string): Promise<Reference | undefined> {
  const fail = (reason: string): never => {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  };
  // With one more part it would be an image: maven:3.9.
  const said = /^maven:.*:/s.test(text)
    ? text.slice('maven:'.length).split(':')
    : /^pkg:\/*maven\//i.test(text)
      ? await purl(text, fail)
      : undefined;
  if (said === undefined) return undefined;
  const [group = '', artifact = '', version, type, classifier, ...rest] = said;
  if (group === '' || artifact === '' || rest.length > 0)
    fail('it is written maven:GROUP:ARTIFACT[:VERSION[:TYPE[:CLASSIFIER]]]');
  if (!isGroup(group)) fail(`"${group}" cannot be a group`);
  const parts = {
    artifact,
    version: version || LATEST,
    type: type || 'jar',
    classifier: classifier || undefined,
  };
  for (const [what, part] of Object.entries(parts))
    if (part !== undefined && !isPart(part)) fail(`"${part}" cannot be a ${what}`);
  const qualifiers = {
    ...(parts.type === 'jar' ? {} : { type: parts.type }),
    ...(parts.classifier === undefined ? {} : { classifier: parts.classifier }),
  };
  return {
    ecosystem: 'maven',
    name: `${group}:${artifact}`,
    wanted: parts.version,
    ...(Object.keys(qualifiers).length > 0 ? { qualifiers } : {}),
  };
}

async function purl(text: string, fail: (reason: string) => never): Promise<readonly (string | undefined)[]> {
  const { namespace, name, version, qualifiers, subpath } = await parsePurl(text, fail);
  const { type, classifier, ...others } = Object.fromEntries(new URLSearchParams(qualifiers));
  const [other] = Object.keys(others);
  if (other !== undefined) fail(`nothing is known of the qualifier "${other}"`);
  if (subpath !== undefined) fail('a purl with a subpath names more than an artifact');
  return [namespace, name, version, type, classifier];
}
