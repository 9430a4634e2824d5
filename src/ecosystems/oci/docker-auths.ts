/**
 * What docker's client shows a classic builder: a credential for each registry that its user has logged in to.
 *
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
 * @module
 */
import { canonical } from './names.ts';

/** Reads `X-Registry-Config`: by registry, what `X-Registry-Auth` would say for an image of that one alone, if anything. */
export function authsIn(header: string | undefined): (registry: string) => string | undefined {
  const auths = new Map<string, string>();
  for (const [name, auth] of Object.entries(membersOf(header))) {
    if (typeof auth !== 'object' || auth === null) continue;
    // Docker's own registry is called by the address of its former index.
    const [host = ''] = name.replace(/^https?:\/\//, '').split('/');
    const written = Buffer.from(JSON.stringify(auth)).toString('base64');
    auths.set(canonical(host), written.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return (registry) => auths.get(registry);
}

function membersOf(header = ''): object {
  try {
    const said: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
