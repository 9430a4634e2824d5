import { PyrsiaError } from '../errors.ts';

/**
 * The same path at `upstream`, whose own path goes in front.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED` when that would lead out of the registry.
 */
export function locate(path: string, upstream: URL): URL {
  const prefix = upstream.pathname.replace(/\/+$/, '');
  const url = path.startsWith('/') ? new URL(`${upstream.origin}${prefix}${path}`) : undefined;
  if (!url?.pathname.startsWith(`${prefix}/`)) {
    throw new PyrsiaError('REFERENCE_MALFORMED', { text: path, reason: 'it leads out of the registry' });
  }
  return url;
}
