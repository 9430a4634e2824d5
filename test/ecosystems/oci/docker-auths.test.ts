import { describe, expect, it } from 'vitest';
import { credentialIn } from '../../../src/ecosystems/oci/docker-api.ts';
import { authsIn } from '../../../src/ecosystems/oci/docker-auths.ts';

const encoded = (said: unknown): string => Buffer.from(JSON.stringify(said)).toString('base64');
const ME = { username: 'me', password: 'ÿÿÿ~~~???' };

describe('What docker shows a builder', () => {
  it('is shown to each registry that it is for, as for one image', () => {
    const shown = encoded({
      'images.example:5000': ME,
      'https://index.docker.io/v1/': { ...ME, username: 'hub' },
    });
    const authFor = authsIn(shown);
    expect(credentialIn(authFor('images.example:5000'))).toEqual(ME);
    expect(credentialIn(authFor('docker.io'))?.username).toBe('hub');
    expect(authFor('images.example')).toBeUndefined();
    // The daemon reads Go's base64.URLEncoding, which has its padding.
    const auth = authFor('images.example:5000')!;
    expect([auth.length % 4, /^[\w-]+=*$/.test(auth)]).toEqual([0, true]);
  });

  it.each([
    undefined,
    '',
    'e30=',
    encoded([1]),
    encoded('x'),
    encoded({ 'images.example': 'me' }),
    'not base64',
  ])('is nothing: %j', (header) => expect(authsIn(header)('images.example')).toBeUndefined());
});
