import { expect, it } from 'vitest';
import { imageError, refuse } from '../../../src/ecosystems/oci/refuse.ts';

const messageOf = (body: string | Uint8Array): string =>
  (JSON.parse(String(body)) as { errors: [{ message: string }] }).errors[0].message;

it('says nothing that steers the terminal of whoever prints it', () => {
  const { body } = imageError('MANIFEST_UNKNOWN', 'a\u001B[31mb\u009B2Jc\u202Ed');
  expect(messageOf(body)).toBe('pyrsia: a\u{FFFD}[31mb\u{FFFD}2Jc\u{FFFD}d');
});

it('has a status at which engines print what is said', () => {
  // docker/distribution and containers/image read no more of what is above 499 than its number.
  for (const kind of ['refused', 'unavailable'] as const)
    expect(refuse(kind, 'why').status).toBeLessThan(500);
});
