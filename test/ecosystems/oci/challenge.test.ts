import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../src/ecosystems/oci/challenge.ts';

describe('WWW-Authenticate', () => {
  it.each([
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'https://auth.example/token',
            service: 'registry.example',
            scope: 'repository:a/b:pull,push',
          },
        },
      ],
    ],
    [
      'Basic realm="a \\"b\\", c", Bearer realm=x , error = "invalid_token"',
      [
        { scheme: 'basic', parameters: { realm: 'a "b", c' } },
        { scheme: 'bearer', parameters: { realm: 'x', error: 'invalid_token' } },
      ],
    ],
    ['BASIC', [{ scheme: 'basic', parameters: {} }]],
    ['', []],
    ['"', []],
  ])('%s is understood', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });

  test.prop([fc.string()])('that is garbage breaks nothing', (header) => {
    expect(Array.isArray(parseChallenges(header))).toBe(true);
    expect(Array.isArray(parseChallenges(`Bearer realm="${header}`))).toBe(true);
  });

  it('that never ends is cut', () => {
    expect(parseChallenges('a="b",'.repeat(1e6)).length).toBeLessThan(10_000);
  });
});
