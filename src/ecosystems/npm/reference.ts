/**
 * What a user types to name an npm package: `npm:express@^5`, or a package URL.
 *
 * @see https://github.com/package-url/purl-spec
 * @module
 */
import semver from 'semver';
import { PyrsiaError } from '../../errors.ts';
import type { Reference } from '../ecosystem.ts';
import { parsePurl } from '../purl.ts';
import { isPackageName } from './names.ts';
import { isTag } from './tags.ts';

/** Reads a reference; undefined when it is of another ecosystem. Rejects with `REFERENCE_MALFORMED`. */
export async function parse(text: string): Promise<Reference | undefined> {
  const fail = (reason: string): never => {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  };
  const said = text.startsWith('npm:')
    ? npmSpec(text.slice('npm:'.length))
    : /^pkg:\/*npm\//i.test(text)
      ? await purl(text, fail)
      : undefined;
  if (said === undefined) return undefined;
  const { name, wanted } = said;
  if (name === '') fail('it names no package, as npm:express@^5 does');
  if (!isPackageName(name)) fail(`"${name}" cannot be the name of an npm package`);
  if (semver.validRange(wanted, { loose: true }) === null && !isTag(wanted)) {
    fail(`"${wanted}" is no version, range or tag`);
  }
  return { ecosystem: 'npm', name, wanted };
}

interface Said {
  readonly name: string;
  readonly wanted: string;
}

function npmSpec(spec: string): Said {
  const at = spec.indexOf('@', 1);
  return at < 0
    ? { name: spec, wanted: 'latest' }
    : { name: spec.slice(0, at), wanted: spec.slice(at + 1).trim() || 'latest' };
}

async function purl(text: string, fail: (reason: string) => never): Promise<Said> {
  const { namespace, name = '', version = 'latest', qualifiers, subpath } = await parsePurl(text, fail);
  if (qualifiers !== undefined || subpath !== undefined)
    fail('a purl with qualifiers or a subpath names more than a package');
  return { name: namespace === undefined ? name : `${namespace}/${name}`, wanted: version };
}
