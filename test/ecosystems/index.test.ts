import { describe, expect, it } from 'vitest';
import { parseReference } from '../../src/ecosystems/index.ts';

describe('A reference', () => {
  it('finds its ecosystem', async () => {
    const { ecosystem, reference } = await parseReference('npm:express@^5');
    expect([ecosystem.name, reference]).toEqual(['npm', { ecosystem: 'npm', name: 'express', wanted: '^5' }]);
  });

  it.each([
    ['pypi:requests', '"pypi" is not a kind of package'],
    ['pkg:pypi/requests@2', '"pypi" is not a kind of package'],
    ['express', 'npm:express'],
    ['@types/node', 'npm:@types/node'],
    ['nginx:latest', '"nginx" is not a kind of package'],
    ['', 'npm:NAME'],
  ])('to %j is refused with a way out', async (text, reason) => {
    await expect(parseReference(text)).rejects.toThrowError(
      expect.objectContaining({ code: 'REFERENCE_MALFORMED', message: expect.stringContaining(reason) }),
    );
  });
});
