import { describe, expect, it } from 'vitest';
import { parseReference } from '../../src/ecosystems/index.ts';

describe('A reference', () => {
  it('finds its ecosystem', async () => {
    const { ecosystem, reference } = await parseReference('npm:express@^5');
    expect([ecosystem.name, reference]).toEqual(['npm', { ecosystem: 'npm', name: 'express', wanted: '^5' }]);
  });

  it.each(['maven:org.example:app', 'maven:org.example:app:1:pom', 'pkg:maven/org.example/app@1'])(
    '%s is to a repository of Maven',
    async (text) => {
      expect((await parseReference(text)).ecosystem.name).toBe('maven');
    },
  );

  it.each(['nginx', 'nginx:latest', 'maven:3.9', 'org/app', 'localhost:5000/app:1'])(
    'that is the bare name %s is an image',
    async (text) => {
      expect((await parseReference(text)).ecosystem.name).toBe('docker');
    },
  );

  it.each([
    ['pypi:requests', '"pypi" is not a kind of package'],
    ['pkg:pypi/requests@2', '"pypi" is not a kind of package'],
    ['cargo:serde', '"cargo" is not a kind of package'],
    ['maven:org.example:', 'maven:GROUP:ARTIFACT'],
    ['express@^5', 'npm:express@^5'],
    ['lodash@4.17.21', 'npm:lodash@4.17.21'],
    ['@types/node', 'npm:@types/node'],
    ['', 'npm:NAME'],
  ])('to %j is refused with a way out', async (text, reason) => {
    await expect(parseReference(text)).rejects.toThrowError(
      expect.objectContaining({ code: 'REFERENCE_MALFORMED', message: expect.stringContaining(reason) }),
    );
  });
});
