import { fc, it } from '@fast-check/vitest';
import semver from 'semver';
import { describe, expect } from 'vitest';
import { isVersion } from '../../../src/ecosystems/npm/names.ts';

const number = fc.oneof(
  fc.nat(100).map(String),
  fc.constantFrom('00', '01', '', '9007199254740991', '9007199254740992', '99999999999999999'),
);
const part = fc.oneof(number, fc.stringMatching(/^[0-9A-Za-z-]{0,4}$/), fc.constantFrom('*', 'é', '_', ' '));
const parts = fc.array(part, { minLength: 1, maxLength: 3 }).map((each) => each.join('.'));
const version = fc
  .tuple(
    fc.constantFrom('', '', '', '', 'v', '=', ' '),
    fc.array(number, { minLength: 2, maxLength: 4 }).map((each) => each.join('.')),
    fc.oneof(
      fc.constant(''),
      parts.map((each) => `-${each}`),
    ),
    fc.oneof(
      fc.constant(''),
      parts.map((each) => `+${each}`),
    ),
    fc.constantFrom('', '', '', ' ', '\n'),
  )
  .map((each) => each.join(''));

describe('A version', () => {
  it.prop([version], { numRuns: 2000 })(
    'is what npm takes for one, unless npm would have to spell it otherwise',
    (text) => {
      // npm drops what stands before the digits, and spaces.
      const asItIs = /^\d\S*$/.test(text);
      expect(isVersion(text)).toBe(asItIs && semver.valid(text) !== null);
    },
  );

  it('has as many characters as npm takes', () => {
    for (const length of [256, 257]) {
      for (const start of ['1.0.0-', '1.0.0+', '1.0.0-0']) {
        const text = start.padEnd(length, 'a');
        expect(isVersion(text)).toBe(semver.valid(text) !== null);
      }
    }
  });
});
